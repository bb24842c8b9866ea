"""Readers of file formats: source files to a table of columns on the local disk."""
