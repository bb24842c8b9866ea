"""The likely reason why keys have no partner: a spelling that differs between the rows and the table."""

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

LEADING_ZEROS: Final = re.compile(r"([+-]?)0+(?=\d)")
FRACTION_OF_ZERO: Final = re.compile(r"([+-]?\d+)\.0*")
DATE: Final = re.compile(r"\w{1,9}[/. -]\w{1,9},?[/. -]\d{2,4}")
DATE_PATTERNS: Final = (
    *(f"%d{mark}%m{mark}%Y" for mark in "/.-"),
    *(f"%m{mark}%d{mark}%Y" for mark in "/.-"),
    *(f"%Y{mark}%m{mark}%d" for mark in "/."),
    *("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
BOOLEANS: Final = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}
INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060"
"""Characters without width, which `str.strip` keeps."""
MAX_NUMBER_LENGTH: Final = 64
EXACT_DIGITS: Final = 15
"""Numbers with more digits are not exact as floating-point numbers."""

Forms = Callable[[str], Sequence[Hashable]]
"""Returns what a text means if one kind of difference is ignored; nothing for a text that the kind cannot concern."""


@dataclass(frozen=True)
class KeyDifference:
    """A key of the rows and a key of the table that differ in spelling only."""

    in_rows: str
    in_table: str
    reason: str
    """The difference and its remedy, as a sentence without a full stop."""


def likely_difference(in_rows: Sequence[str], in_table: Sequence[str]) -> KeyDifference | None:
    """Return the kind of difference that explains most keys of the rows, with an example; None if none does.

    No key of `in_rows` is in `in_table`. Of two kinds that explain equally many keys, the first is returned; several
    differences in one key are considered only if no single one explains any.
    """
    best, explained = None, 0
    for reason, forms in DIFFERENCES:
        pairs = list(_pairs(in_rows, in_table, forms))
        if len(pairs) > explained:
            best, explained = KeyDifference(*pairs[0], reason), len(pairs)
    if best is None:
        for in_row, in_side in _pairs(in_rows, in_table, _without_any):
            return KeyDifference(in_row, in_side, SEVERAL_DIFFERENCES)
    return best


def _pairs(in_rows: Sequence[str], in_table: Sequence[str], forms: Forms) -> Iterable[tuple[str, str]]:
    """Yield each key of the rows that has a form in common with a key of the table."""
    forms_of_rows = {key: forms(key) for key in in_rows}
    if not any(forms_of_rows.values()):
        return
    by_form: dict[Hashable, str] = {}
    for key in in_table:
        for form in forms(key):
            by_form.setdefault(form, key)
    for key, of_key in forms_of_rows.items():
        partner = next((by_form[form] for form in of_key if form in by_form), None)
        if partner is not None:
            yield key, partner


def _without_spaces(text: str) -> Sequence[str]:
    return (text.strip().strip(INVISIBLE).strip(),)


def _without_case(text: str) -> Sequence[str]:
    return (text.casefold(),)


def _without_leading_zeros(text: str) -> Sequence[str]:
    return (LEADING_ZEROS.sub(r"\1", text, count=1),) if LEADING_ZEROS.match(text) or text.isdecimal() else ()


def _without_fraction_of_zero(text: str) -> Sequence[str]:
    match = FRACTION_OF_ZERO.fullmatch(text)
    return (match[1],) if match else (text,)


def _moments(text: str) -> Sequence[datetime]:
    """Return every date or time that a text can mean, in UTC."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),)
    if not DATE.fullmatch(text):
        return ()
    moments = []
    for pattern in DATE_PATTERNS:
        try:
            moments.append(datetime.strptime(text, pattern).replace(tzinfo=UTC))
        except ValueError:
            continue
    return moments


def _boolean(text: str) -> Sequence[bool]:
    value = BOOLEANS.get(text.casefold())
    return () if value is None else (value,)


def _without_quotes(text: str) -> Sequence[str]:
    return (text[1:-1],) if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"`" else (text,)


def _number(text: str) -> Sequence[Decimal]:
    if len(text) > MAX_NUMBER_LENGTH:
        return ()
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return ()
    return (number,) if number.is_finite() else ()


def _rounded_number(text: str) -> Sequence[float]:
    numbers = _number(text)
    return (float(numbers[0]),) if numbers and len(text) > EXACT_DIGITS else ()


def _same_characters(text: str) -> Sequence[str]:
    return (unicodedata.normalize("NFKC", text),)


def _without_any(text: str) -> Sequence[Hashable]:
    plain = _without_quotes(_same_characters(_without_spaces(text)[0].casefold())[0].strip())[0].strip()
    return _number(plain) or (plain,)


DIFFERENCES: Final[tuple[tuple[str, Forms], ...]] = (
    ("they differ in surrounding spaces; remove the spaces", _without_spaces),
    ("they differ in upper and lower case; write the values in the same case", _without_case),
    ("they differ in leading zeros; write both as text with the same number of digits", _without_leading_zeros),
    (
        "they differ in the .0 of whole numbers; write both as integers (pandas writes integers with missing values as "
        "floating-point numbers: use its type Int64)",
        _without_fraction_of_zero,
    ),
    ("they are the same date in two formats; write both as YYYY-MM-DD", _moments),
    ("they are booleans in two spellings; write both as true and false", _boolean),
    ("they differ in quotes; write the values without quotes", _without_quotes),
    ("they are the same number in two spellings; write both in the same format", _number),
    (
        "they differ in the last digits, which floating-point numbers lose; write both as integers or as text",
        _rounded_number,
    ),
    ("they differ in the Unicode form of the same characters; normalize both to NFC", _same_characters),
)
"""Kinds of differences with their remedies."""
SEVERAL_DIFFERENCES: Final = "they differ in several details of spelling; write the values in the same way"
