"""The records and predictions that a report is computed from."""
