"""Shared by both backends: the planner, observing the store and the studies, and executing actions."""
