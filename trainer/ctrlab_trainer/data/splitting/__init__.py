"""Division of the rows into train, validation and test."""
