"""Pages and tables of a report."""
