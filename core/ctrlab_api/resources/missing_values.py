"""Texts that mean a missing value, for every format, type and role of a column."""

from typing import Final

DEFAULT_MISSING: Final = frozenset(
    {
        "",
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "NaN",
        "nan",
        "NAN",
        "<NA>",
        "NaT",
        "NULL",
        "Null",
        "null",
        "None",
        "\\N",
    }
)
"""The texts that databases, spreadsheets and programs write for a missing value, unless `spec.dataset.missing` lists
others."""
