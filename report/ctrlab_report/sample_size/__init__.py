"""Sample size: the difference that a design can detect, and the number of seeds to add after the pilot."""
