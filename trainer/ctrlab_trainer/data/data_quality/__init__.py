"""Warnings about the quality of a data set: possible leakage, differences between splits, constant features."""
