"""Rules of a resource that span several fields."""
