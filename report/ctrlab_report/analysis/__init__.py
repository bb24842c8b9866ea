"""Conversion of the inputs of a report to its summary, by pure functions of records and predictions."""
