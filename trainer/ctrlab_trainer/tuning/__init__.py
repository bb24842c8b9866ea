"""The tuning worker, and the replay of its trials."""
