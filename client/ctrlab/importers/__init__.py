"""Importers of other programs' experiment configurations."""
