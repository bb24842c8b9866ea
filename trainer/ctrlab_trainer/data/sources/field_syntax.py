"""Characters that separate and quote the fields of text files and mark the decimals of their numbers."""

from dataclasses import dataclass
from typing import Final

from ctrlab_api.resources.csv_syntax import DEFAULT_DECIMAL, DEFAULT_QUOTE, DEFAULT_SEPARATOR
from ctrlab_api.resources.data_sources import SideTable, Source


@dataclass(frozen=True)
class FieldSyntax:
    """Characters of a text file with fields."""

    separator: str
    quote: str
    """Empty if no field is quoted."""
    decimal: str = DEFAULT_DECIMAL


CSV: Final = FieldSyntax(DEFAULT_SEPARATOR, DEFAULT_QUOTE)
TABS: Final = FieldSyntax("\t", "")
"""Fields of tsv and of RecBole's atomic files, where a quote is an ordinary character."""


def declared_syntax(table: Source | SideTable) -> FieldSyntax | None:
    """Return the characters of a csv table where they differ from the default ones."""
    syntax = FieldSyntax(
        CSV.separator if table.separator is None else table.separator,
        CSV.quote if table.quote is None else table.quote,
        table.decimal or CSV.decimal,
    )
    return None if syntax == CSV else syntax
