"""Turn the inputs of a report into its summary: pure functions from records and predictions to `ReportSummary`."""
