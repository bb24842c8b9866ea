"""Publication and verification of a report."""
