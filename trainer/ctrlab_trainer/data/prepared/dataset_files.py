"""Names of the files in the folder of a prepared data set, apart from the arrays of its splits."""

from typing import Final

SCHEMA_FILE: Final = "schema.json"

ENCODERS_FILE: Final = "encoders.json"
"""Encodings fitted on train, by feature, to read ids back as values."""

RECORD_FILE: Final = "prepared.json"

PROBABILITY_FILE: Final = "true_probability.npy"
"""Next to the arrays of each split of a generated data set; no model reads it."""
