"""Data preparation, models, training, tuning workers and final runs: the only code that imports torch."""
