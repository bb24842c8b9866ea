"""Converts FuxiCTR configurations to experiments, and lists the settings that have no counterpart."""
