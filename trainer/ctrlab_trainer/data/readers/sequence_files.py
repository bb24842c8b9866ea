"""Sequence files as batches: a line is a user and the items that the user took, in the order of time.

SASRec, BERT4Rec and S3-Rec publish their data so. Each item becomes a row; there is no time, so that a data set of
such a file sets `order: Rows`, and no label, so that it draws negatives.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.decompression import error_reason, line_blocks
from ctrlab_trainer.data.readers.delimited_files import DICTIONARY_TEXT

SEQUENCE_COLUMNS: Final = ("user", "item")


def read_sequences(path: Path, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    """The wanted columns of one file; InvalidData names a line without items."""
    first = 1
    try:
        for block in line_blocks(path):
            lines = pc.utf8_trim_whitespace(pc.split_pattern(pa.array([block.decode()]), "\n").flatten())
            tokens = pc.utf8_split_whitespace(lines)
            lengths = np.asarray(pc.list_value_length(tokens))
            blank = np.asarray(pc.equal(lines, ""), bool)
            alone = (lengths < 2) & ~blank
            if alone.any():
                raise InvalidData.at(
                    f"{path.name}, line {first + int(np.argmax(alone))}",
                    "has a user and no items; expected a user and then items, parted by spaces",
                )
            kept = tokens.filter(pa.array(~blank))
            items = pc.list_slice(kept, 1)
            users = pc.list_element(kept, 0).take(pc.list_parent_indices(items))
            columns = {"user": users, "item": items.flatten()}
            yield pa.record_batch([columns[name].cast(DICTIONARY_TEXT) for name in wanted], names=list(wanted))
            first += block.count(b"\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
