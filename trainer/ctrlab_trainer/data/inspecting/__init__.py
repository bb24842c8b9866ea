"""Inspection of a data set for leaks and unsound columns."""
