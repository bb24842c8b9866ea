"""libsvm files as batches: a line is a label and pairs `index:value`.

Their columns are `label`; `indices`, the indices whose value is not 0, as a list; `field_1`, `field_2`, ...: the index
of the first, second, ... pair, for files with one pair a field, as factorisation machines write them; and `index_I`,
the value at index I, 0 where a line lacks it. What follows a # is a comment.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.decompression import error_reason, first_line, line_blocks
from ctrlab_trainer.data.readers.delimited_files import DICTIONARY_TEXT

LABEL: Final = "label"
INDICES: Final = "indices"
FIELD: Final = re.compile(r"^field_([1-9][0-9]*)$")
INDEX_COLUMN: Final = re.compile(r"^index_([0-9]+)$")
PAIR: Final = r"^(?P<index>[0-9]+):(?P<value>[-+.0-9eE]+)$"


def libsvm_columns(path: Path) -> list[str]:
    """`label`, `indices`, and a field for each pair of the first line; `index_I` exists for every I besides."""
    try:
        pairs = len(first_line(path).partition("#")[0].split()) - 1
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
    return [LABEL, INDICES, *(f"field_{number}" for number in range(1, pairs + 1))]


def read_libsvm(path: Path, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    """The wanted columns of one file; InvalidData names the row and the pair that is none."""
    first = 1
    try:
        for block in line_blocks(path):
            text = pc.replace_substring_regex(pa.array([block.decode()]), "#[^\n]*", "")
            lines = pc.utf8_trim_whitespace(pc.split_pattern(text, "\n").flatten())
            tokens = pc.utf8_split_whitespace(lines.filter(pc.not_equal(lines, "")))
            yield _batch(_Lines(tokens, f"{path.name}, row", first), wanted)
            first += len(tokens)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error


class _Lines:
    """Lines as labels and pairs."""

    def __init__(self, tokens: pa.ListArray, place: str, first: int) -> None:
        self.place, self.first = place, first
        self.labels = pc.list_element(tokens, 0)
        pairs = pc.list_slice(tokens, 1)
        self.texts = pairs.flatten()
        self.owner = np.asarray(pc.list_parent_indices(pairs))
        found = pc.extract_regex(self.texts, PAIR)
        wrong = np.flatnonzero(np.asarray(found.is_null()))
        if len(wrong):
            raise self.error(int(self.owner[wrong[0]]), f"found {self.texts[int(wrong[0])].as_py()!r}")
        self.index = found.field("index")
        self.value = found.field("value")

    def error(self, line: int, what: str) -> InvalidData:
        return InvalidData.at(
            f"{self.place} {self.first + line}", f"{what}; a line is a label and pairs index:value with spaces between"
        )


def _batch(lines: _Lines, wanted: Collection[str]) -> pa.RecordBatch:
    names = list(dict.fromkeys(wanted))
    return pa.record_batch([_column(lines, name) for name in names], names=names)


def _column(lines: _Lines, name: str) -> pa.Array:
    rows = len(lines.labels)
    if name == LABEL:
        return lines.labels.cast(DICTIONARY_TEXT)
    counts = np.bincount(lines.owner, minlength=rows)
    if name == INDICES:
        real = np.flatnonzero(np.asarray(lines.value.cast(pa.float64())) != 0)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(lines.owner[real], minlength=rows))])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), lines.index.take(pa.array(real)))
    field = FIELD.match(name)
    if field:
        place = int(field[1]) - 1
        short = np.flatnonzero(counts <= place)
        if len(short):
            row = int(short[0])
            raise lines.error(row, f"has {counts[row]} pairs, and the column {name} needs {place + 1} in every line")
        starts = np.cumsum(counts) - counts
        return lines.index.take(pa.array(starts + place)).cast(DICTIONARY_TEXT)
    found = INDEX_COLUMN.match(name)
    assert found is not None, name
    here = np.flatnonzero(np.asarray(pc.equal(lines.index, found[1])))
    values = np.zeros(rows)
    values[lines.owner[here]] = np.asarray(lines.value.take(pa.array(here)).cast(pa.float64()))
    return pa.array(values)
