"""Warnings about the quality of a data set: possible leaks, differences between splits, constant features."""
