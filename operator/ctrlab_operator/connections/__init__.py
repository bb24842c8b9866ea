"""Connections to the store and the study database of each experiment, opened with the Secrets of its namespace."""
