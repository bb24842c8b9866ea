"""The prepared data set: encoded rows and their schema."""
