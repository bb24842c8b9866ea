"""Reader of sequence files: a line is a user and the items the user interacted with, in order of time.

SASRec, BERT4Rec and S3-Rec publish their data in this format. Each item becomes a row. There are no times, so the data
set must set `order: Rows`, and no labels, so it must sample negatives.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, error_reason, line_blocks

SEQUENCE_COLUMNS: Final = ("user", "item")

OTHER_FORMS: Final = r",\s|^\S+\s+\[.*\]$"
"""Lines whose items are separated by more than spaces, such as `u1 [1, 2]`."""


def read_sequences(path: Path, required: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file; InvalidData with the line that has no items."""
    first = 1
    try:
        for block in line_blocks(path):
            lines = pc.utf8_trim_whitespace(pc.split_pattern(pa.array([block.decode()]), "\n").flatten())
            tokens = pc.utf8_split_whitespace(lines)
            lengths = np.asarray(pc.list_value_length(tokens))
            blank = np.asarray(pc.equal(lines, ""), bool)
            no_items = (lengths < 2) & ~blank
            if no_items.any():
                raise InvalidData.at(
                    f"{path.name}, line {first + int(np.argmax(no_items))}",
                    "has a user and no items; expected a user and items, separated by spaces",
                )
            divided = np.asarray(pc.match_substring_regex(lines, OTHER_FORMS), bool)
            if divided.any():
                row = int(np.argmax(divided))
                raise InvalidData.at(
                    f"{path.name}, line {first + row}",
                    f"found {lines[row].as_py()[:40]!r}; expected a user and items, separated by spaces alone, without "
                    "commas and brackets",
                )
            sequences = tokens.filter(pa.array(~blank))
            items = pc.list_slice(sequences, 1)
            users = pc.list_element(sequences, 0).take(pc.list_parent_indices(items))
            columns = {"user": users, "item": items.flatten()}
            yield pa.record_batch([columns[name].cast(DICTIONARY_TEXT) for name in required], names=list(required))
            first += block.count(b"\n")
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
