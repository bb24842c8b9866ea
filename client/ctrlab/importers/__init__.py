"""Importers of experiment configurations from other programs."""
