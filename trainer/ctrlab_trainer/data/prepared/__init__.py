"""Prepared data sets: schema, memory-mapped splits, validation."""
