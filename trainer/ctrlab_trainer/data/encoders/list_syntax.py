"""Lists as text: the syntax of a text, and its elements.

A list is either in brackets, as Python, numpy, JSON and PostgreSQL write it, or its elements are divided by a
separator. A column has one syntax; the encoders reject a column with two.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BRACKETED: Final = r"(?s)^(\[.*\]|\(.*\)|\{.*\})$"
MARKS: Final = r"""[\[\](){}'"]"""
"""Characters in brackets that only the parser of single texts understands."""
NUMBERS: Final = r"^([0-9eE+.-]+|nan|NaN|None|null|inf|True|False)(\s+([0-9eE+.-]+|nan|NaN|None|null|inf|True|False))*$"
CALL: Final = (
    r"(?s)^([A-Za-z_.]+\(\[|frozenset\(|(Wrapped|Mutable)Array\(|ArraySeq\(|ArrayBuffer\(|List\(|Vector\().*\)$"
)
"""The text of a list that prints its type, such as `array([1, 2])` or `WrappedArray(1, 2)`."""
ONE_IN_BRACKETS: Final = re.compile(r"^\[[^\[\]]*\]$")
ELEMENT: Final = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<plain>[^\s,'"\[\](){}](?:[^,'"\[\](){}]*[^\s,'"\[\](){}])?))\s*""",
    re.DOTALL,
)
ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
CONTROL_CHARACTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Syntax(IntFlag):
    """Division of the elements of a list in text; an empty list has none."""

    SEPARATOR = 1
    COMMAS_IN_BRACKETS = 2
    SPACES_IN_BRACKETS = 4
    SEPARATOR_IN_BRACKETS = 8
    BRACKETS = 16
    """One element in brackets, which fits all three."""


@dataclass(frozen=True)
class TextLists:
    """The elements of texts."""

    elements: pa.ListArray
    """[texts] lists of text, without whitespace around an element."""
    syntax: NDArray[np.int8]
    """[texts] a `Syntax`, 0 for an empty list."""


class InvalidList(ValueError):
    """A text is not a list."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
        """Position of the text."""


def split_lists(texts: pa.Array, separator: str) -> TextLists:
    """Return the elements of [texts]; InvalidList for brackets that do not enclose a flat list.

    Numbers in brackets keep their spelling.
    """
    trimmed = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), "^set\\(\\)$", "{}")
    bracketed = np.asarray(pc.match_substring_regex(trimmed, BRACKETED), bool)
    one_sided = np.asarray(pc.xor(pc.starts_with(trimmed, "["), pc.ends_with(trimmed, "]")), bool)
    _reject_open_brackets(trimmed, np.flatnonzero(one_sided), separator)
    called = np.asarray(pc.match_substring_regex(trimmed, CALL), bool)
    if called.any():
        raise InvalidList(int(np.argmax(called)), "is not a list; write the list alone, such as [1, 2]")
    lists, syntax = _split(trimmed, separator, trim=separator.strip() != "")
    if bracketed.any():
        rows = np.flatnonzero(bracketed)
        inner_lists, inner_syntax = _split_bracketed(trimmed.take(pa.array(rows)), separator, rows)
        kept = inner_syntax >= 0
        source = np.arange(len(texts))
        source[rows[kept]] = len(texts) + np.flatnonzero(kept)
        lists = pa.concat_arrays([lists, inner_lists]).take(pa.array(source))
        syntax[rows[kept]] = inner_syntax[kept]
    return TextLists(lists, syntax)


def _split(texts: pa.Array, separator: str, *, trim: bool) -> tuple[pa.ListArray, NDArray[np.int8]]:
    lists = pc.split_pattern(texts, separator)
    if trim:
        lists = _with_elements(lists, pc.utf8_trim_whitespace)
    syntax = np.where(np.asarray(pc.equal(texts, ""), bool), 0, Syntax.SEPARATOR)
    return lists, syntax.astype(np.int8)


def _with_elements(lists: pa.ListArray, change: Callable[[pa.Array], pa.Array]) -> pa.ListArray:
    return pa.ListArray.from_arrays(lists.offsets, change(lists.values))


def _split_bracketed(
    texts: pa.Array, separator: str, positions: NDArray[np.int64]
) -> tuple[pa.ListArray, NDArray[np.int8]]:
    """Return the elements and the syntax of texts in brackets; the syntax is -1 for text that is no list."""
    inner = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, 1, -1))
    marked = np.asarray(pc.match_substring_regex(inner, MARKS), bool)
    empty = np.asarray(pc.equal(inner, ""), bool)
    commas = np.asarray(pc.match_substring(inner, ","), bool)
    separated = np.zeros(len(texts), bool)
    if separator.strip() not in ("", ","):
        separated = ~commas & np.asarray(pc.match_substring(inner, separator), bool)
    spaces = np.asarray(pc.match_substring_regex(inner, r"\s"), bool) & ~commas & ~separated
    spaces &= np.asarray(pc.match_substring_regex(inner, NUMBERS), bool) if separator.strip() else True
    parentheses = np.asarray(pc.starts_with(texts, "("), bool)
    syntax = np.select(
        [marked, empty, parentheses & ~commas, commas, separated, spaces],
        [
            0,
            0,
            -1,
            Syntax.COMMAS_IN_BRACKETS,
            Syntax.SEPARATOR_IN_BRACKETS,
            Syntax.SPACES_IN_BRACKETS,
        ],
        Syntax.BRACKETS,
    ).astype(np.int8)
    groups: list[tuple[NDArray[np.int64], pa.ListArray]] = []
    for selected, split in (
        (syntax == Syntax.COMMAS_IN_BRACKETS, lambda part: pc.split_pattern(pc.utf8_rtrim(part, ", "), ",")),
        (syntax == Syntax.SEPARATOR_IN_BRACKETS, lambda part: pc.split_pattern(part, separator)),
        (syntax == Syntax.SPACES_IN_BRACKETS, pc.utf8_split_whitespace),
        (np.isin(syntax, (-1, 0, Syntax.BRACKETS)) & ~marked, lambda part: pc.split_pattern(part, "\n\n\n")),
    ):
        rows = np.flatnonzero(selected)
        if len(rows):
            groups.append((rows, split(inner.take(pa.array(rows)))))
    if marked.any():
        rows = np.flatnonzero(marked)
        parsed = [
            parse_elements(text, whole, separator, int(position))
            for text, whole, position in zip(
                inner.take(pa.array(rows)).to_pylist(),
                texts.take(pa.array(rows)).to_pylist(),
                positions[rows].tolist(),
                strict=True,
            )
        ]
        groups.append((rows, pa.array([elements for elements, _ in parsed], pa.list_(pa.string()))))
        syntax[rows] = [kind for _, kind in parsed]
    order = np.argsort(np.concatenate([rows for rows, _ in groups]))
    lists = pa.concat_arrays([group for _, group in groups]).take(pa.array(order))
    lists = _with_elements(lists, pc.utf8_trim_whitespace) if not marked.any() else _trim_unmarked(lists, marked)
    _reject_abbreviated(lists, positions)
    return lists, syntax


def _trim_unmarked(lists: pa.ListArray, marked: NDArray[np.bool_]) -> pa.ListArray:
    """Trim the elements of lists without quotes; the parser has trimmed the others, outside of their quotes."""
    of_marked = marked[np.asarray(pc.list_parent_indices(lists))]
    values = lists.flatten()
    trimmed = pc.if_else(pa.array(of_marked), values, pc.utf8_trim_whitespace(values))
    return pa.ListArray.from_arrays(lists.offsets, trimmed)


def _reject_abbreviated(lists: pa.ListArray, positions: NDArray[np.int64]) -> None:
    dots = np.asarray(pc.equal(lists.flatten(), "..."), bool)
    if dots.any():
        row = int(np.asarray(pc.list_parent_indices(lists))[np.argmax(dots)])
        raise InvalidList(int(positions[row]), "is abbreviated with '...'; write the whole list")


def _reject_open_brackets(texts: pa.Array, rows: NDArray[np.int64], separator: str) -> None:
    """Raise InvalidList for text with a bracket at one end only, unless each of its elements is complete."""
    for row in rows.tolist():
        text = texts[row].as_py()
        if any(element.count("[") != element.count("]") for element in text.split(separator)):
            side = "begins with '[' and has no ']' at its end" if text.startswith("[") else "ends with ']' only"
            raise InvalidList(row, f"{side}; write whole lists, or ids without brackets")


def parse_elements(inner: str, text: str, separator: str, position: int) -> tuple[list[str], int]:
    """Return the elements and the syntax of one list in brackets whose elements are in quotes; -1 if it is no list.

    InvalidList for lists in lists, objects and stray quotes.
    """
    elements: list[str] = []
    at, dividers = 0, Syntax(0)
    while at < len(inner):
        match = ELEMENT.match(inner, at)
        if match is None:
            break
        elements.append(_element(match))
        at = match.end()
        if at < len(inner) and inner[at] == ",":
            at += 1
            dividers |= Syntax.COMMAS_IN_BRACKETS
        elif at < len(inner) and inner[at - 1].isspace():
            dividers |= Syntax.SPACES_IN_BRACKETS
        elif at < len(inner):
            break
    if at == len(inner) and dividers in (0, Syntax.COMMAS_IN_BRACKETS, Syntax.SPACES_IN_BRACKETS):
        return elements, int(dividers or Syntax.BRACKETS)
    parts = text.split(separator)
    if text[0] == "(" or (len(parts) > 1 and all(ONE_IN_BRACKETS.match(part.strip()) for part in parts)):
        return [], -1
    raise InvalidList(
        position, "is not a flat list; write ids such as [4, 0, 2] or ['a', 'b'], without lists or objects in it"
    )


def _element(match: re.Match[str]) -> str:
    if match["plain"] is not None:
        return match["plain"]
    quoted = match["double"] if match["double"] is not None else match["single"]
    if "\\" not in quoted:
        return quoted
    # JSON writes a character beyond U+FFFF as two escapes.
    return ESCAPE.sub(_unescape, quoted).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return CONTROL_CHARACTERS.get(escape, escape)
