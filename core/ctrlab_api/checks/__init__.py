"""Checks that a schema cannot express: models, search spaces and ablations against what architectures declare."""
