"""Rows of train, validation and test: labels, split strategies, sampled negatives."""
