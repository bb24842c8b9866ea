"""Characters of csv files that `spec.dataset.source` and its side tables can declare: separator, quote and decimal.

The rule over them is written twice, as a validator and as CEL rules; the tests check both against the same examples.
"""

from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from ctrlab_api.resources.source_uris import CSV_RULE, Format
from ctrlab_api.schema_types import described_pattern

DEFAULT_SEPARATOR: Final = ","
DEFAULT_QUOTE: Final = '"'
DEFAULT_DECIMAL: Final = "."

FieldSeparator = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^[\x01-\x09\x0b\x0c\x0e-*,/:-@\[-`{-~]$",
            'one ASCII character other than letters, digits, line breaks, ".", "+" and "-", such as ";", "|" or "\\t"',
        ),
        max_length=1,
    ),
]
QuoteCharacter = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^[!-*/:-@\[-`{-~]?$",
            'one ASCII punctuation mark, such as "\'", or an empty text for files without quotes',
        ),
        max_length=1,
    ),
]
DecimalCharacter = Literal[".", ","]

_ONLY_CSV: Final = (
    'separator, quote and decimal are for csv: set format: csv, for instance with separator: "\\t" for tabs, or leave '
    "them out"
)
_SEPARATOR_IS_DECIMAL: Final = (
    'separator and decimal are the same character: set separator to the one between the fields, such as ";"'
)
_SEPARATOR_IS_QUOTE: Final = 'separator and quote are the same character: set quote to "" for files without quotes'


def check_csv_syntax(file_format: Format | None, separator: str | None, quote: str | None, decimal: str | None) -> None:
    """Raise ValueError for characters of a file that is not csv, and for one character with two meanings."""
    if file_format != "csv" and not (separator is None and quote is None and decimal is None):
        raise ValueError(_ONLY_CSV)
    effective = DEFAULT_SEPARATOR if separator is None else separator
    if effective == (DEFAULT_DECIMAL if decimal is None else decimal):
        raise ValueError(_SEPARATOR_IS_DECIMAL)
    if effective == (DEFAULT_QUOTE if quote is None else quote):
        raise ValueError(_SEPARATOR_IS_QUOTE)


CSV_SYNTAX_RULES: Final = (
    (f"!(has(self.separator) || has(self.quote) || has(self.decimal)) || {CSV_RULE}", _ONLY_CSV),
    (
        f"(has(self.separator) ? self.separator : '{DEFAULT_SEPARATOR}') != "
        f"(has(self.decimal) ? self.decimal : '{DEFAULT_DECIMAL}')",
        _SEPARATOR_IS_DECIMAL,
    ),
    (
        f"(has(self.separator) ? self.separator : '{DEFAULT_SEPARATOR}') != "
        f"(has(self.quote) ? self.quote : '{DEFAULT_QUOTE}')",
        _SEPARATOR_IS_QUOTE,
    ),
)
"""CEL rules that `check_csv_syntax` repeats."""
