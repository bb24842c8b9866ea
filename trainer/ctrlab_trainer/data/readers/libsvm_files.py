"""Reader of libsvm files: a line is a label and pairs `index:value`.

The columns are `label`; `indices`, the list of indices whose value is not 0; `field_1`, `field_2`, ...: the index of
the first, second, ... pair, for files with one pair per field, as factorization machines write them; and `index_I`, the
value at index I, 0 if a line lacks it. The text after a # is a comment.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, error_reason, first_line, line_blocks

LABEL: Final = "label"
INDICES: Final = "indices"
FIELD: Final = re.compile(r"^field_([1-9][0-9]*)$")
INDEX_COLUMN: Final = re.compile(r"^index_(0|[1-9][0-9]*)$")
PAIR: Final = r"^0*(?P<index>[0-9]+):(?P<value>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)$"


def libsvm_columns(path: Path) -> list[str]:
    """Return `label`, `indices`, and a field per pair of the first row; `index_I` also exists, for every I."""
    try:
        tokens = _tokens(first_line(path)) or _tokens_of_first_row(path)
        pairs = len(tokens) - 1
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
    return [LABEL, INDICES, *(f"field_{number}" for number in range(1, pairs + 1))]


def _tokens(line: str) -> list[str]:
    return line.partition("#")[0].split()


def _tokens_of_first_row(path: Path) -> list[str]:
    """Return the label and pairs of the first line that is neither blank nor a comment."""
    lines = (line for block in line_blocks(path) for line in block.decode().split("\n"))
    return next((tokens for line in lines if (tokens := _tokens(line))), [])


def read_libsvm(path: Path, required: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file; InvalidData with the row and the malformed pair."""
    first = 1
    try:
        for block in line_blocks(path):
            text = pc.replace_substring_regex(pa.array([block.decode()]), "#[^\n]*", "")
            lines = pc.utf8_trim_whitespace(pc.split_pattern(text, "\n").flatten())
            tokens = pc.utf8_split_whitespace(lines.filter(pc.not_equal(lines, "")))
            yield _batch(_Lines(tokens, f"{path.name}, row", first), required)
            first += len(tokens)
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, error_reason(error)) from error


class _Lines:
    """Labels and pairs of some lines."""

    def __init__(self, tokens: pa.ListArray, location: str, first: int) -> None:
        self.location, self.first = location, first
        self.labels = pc.list_element(tokens, 0)
        pairs = pc.list_slice(tokens, 1)
        self.texts = pairs.flatten()
        self.line_of_pair = np.asarray(pc.list_parent_indices(pairs))
        matches = pc.extract_regex(self.texts, PAIR)
        malformed = np.flatnonzero(np.asarray(matches.is_null()))
        if len(malformed):
            text = self.texts[int(malformed[0])].as_py()
            raise self.error(int(self.line_of_pair[malformed[0]]), f"found {text!r}")
        self.index = matches.field("index")
        self.value = matches.field("value")
        pairs_of_line = pa.table({"line": self.line_of_pair, "index": self.index})
        counts = pairs_of_line.group_by(["line", "index"]).aggregate([([], "count_all")])
        if counts.num_rows < len(self.index):
            repeated = counts.filter(pc.greater(counts["count_all"], 1)).sort_by("line")
            index, times = repeated["index"][0].as_py(), repeated["count_all"][0].as_py()
            raise InvalidData.at(
                f"{location} {first + repeated['line'][0].as_py()}",
                f"has the index {index} {times} times; a line has at most one pair per index",
            )

    def error(self, line: int, problem: str) -> InvalidData:
        return InvalidData.at(
            f"{self.location} {self.first + line}",
            f"{problem}; a line is a label and pairs index:value, separated by spaces",
        )


def _batch(lines: _Lines, required: Collection[str]) -> pa.RecordBatch:
    names = list(dict.fromkeys(required))
    return pa.record_batch([_column(lines, name) for name in names], names=names)


def _column(lines: _Lines, name: str) -> pa.Array:
    rows = len(lines.labels)
    if name == LABEL:
        return lines.labels.cast(DICTIONARY_TEXT)
    counts = np.bincount(lines.line_of_pair, minlength=rows)
    if name == INDICES:
        nonzero = np.flatnonzero(np.asarray(lines.value.cast(pa.float64())) != 0)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(lines.line_of_pair[nonzero], minlength=rows))])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), lines.index.take(pa.array(nonzero)))
    field = FIELD.match(name)
    if field:
        position = int(field[1]) - 1
        too_short = np.flatnonzero(counts <= position)
        if len(too_short):
            row = int(too_short[0])
            raise lines.error(row, f"has {counts[row]} pairs, but the column {name} needs {position + 1} in every line")
        starts = np.cumsum(counts) - counts
        return lines.index.take(pa.array(starts + position)).cast(DICTIONARY_TEXT)
    index_column = INDEX_COLUMN.match(name)
    assert index_column is not None, name
    pairs = np.flatnonzero(np.asarray(pc.equal(lines.index, index_column[1])))
    values = np.zeros(rows)
    values[lines.line_of_pair[pairs]] = np.asarray(lines.value.take(pa.array(pairs)).cast(pa.float64()))
    return pa.array(values)
