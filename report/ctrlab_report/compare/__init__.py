"""Comparing finished experiments with each other: nobody planned it, so all of it is exploratory."""
