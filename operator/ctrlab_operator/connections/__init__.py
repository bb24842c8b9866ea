"""Connections to the store and the database of each experiment."""
