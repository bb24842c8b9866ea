"""Final runs: training with the best hyperparameters, and scoring the test rows once."""
