"""Read and check the records and predictions of an experiment before any number is computed."""
