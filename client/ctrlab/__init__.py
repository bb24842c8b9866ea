"""Statistically rigorous experiments for click-through-rate prediction models."""
