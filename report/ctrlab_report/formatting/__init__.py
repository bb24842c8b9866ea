"""Numbers as text, for every file and sentence of a report."""
