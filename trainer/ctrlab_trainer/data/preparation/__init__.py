"""Preparation of a data set, from source files to encoded rows."""
