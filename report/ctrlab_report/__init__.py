"""Statistics and reports: from the records of an experiment to conclusions that its results support."""
