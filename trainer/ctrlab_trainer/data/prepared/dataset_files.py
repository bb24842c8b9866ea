"""Names of files in the folder of a prepared data set; `encoded_splits` lists the other arrays of a split."""

from typing import Final

from ctrlab_api.names import ObjectKey

SCHEMA_FILE: Final = "schema.json"

ENCODERS_FILE: Final = "encoders.json"
"""Encodings fitted on train, by feature, to read ids back as values."""

RECORD_FILE: Final = ObjectKey.PREPARED
"""The record of the data set; each experiment has a copy of it under the same name."""

LABELS_FILE: Final = "labels.npy"

PROBABILITY_FILE: Final = "true_probability.npy"
"""File next to the arrays of each split of a generated data set; no model reads it."""
