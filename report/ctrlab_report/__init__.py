"""Statistics and the report: from the recorded runs of an experiment to claims that the numbers carry."""
