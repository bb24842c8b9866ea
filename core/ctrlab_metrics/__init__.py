"""Metrics of click-through-rate predictions, computed with numpy."""
