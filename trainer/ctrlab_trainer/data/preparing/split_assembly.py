"""From encoded columns in the order of the source to the arrays of one part, a block of rows at a time.

The files are written as such and not through memory maps, so that preparing a large data set keeps a block of it in
memory and not all of it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_splits import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.preparing.encoded_columns import EncodedColumns

BLOCK_ROWS: Final = 1 << 17
"""Rows that are gathered together."""


@dataclass(frozen=True)
class SplitRows:
    """The rows of one part, as rows of the source."""

    ids: NDArray[np.int64]
    """[rows] number that a row has in predictions: its source row, or a number above them all for a drawn one."""
    row: NDArray[np.int64]
    """[rows] source row that gives the user, the time and every feature but the item's."""
    item: NDArray[np.int64]
    """[rows] source row that gives the item's features; equal to `row` where the source holds the row."""
    labels: NDArray[np.uint8]
    """[rows] 0 or 1."""

    @classmethod
    def observed(cls, rows: NDArray[np.int64], labels: NDArray[np.uint8]) -> "SplitRows":
        """Rows that the source holds; `labels` are [all rows]."""
        return cls(rows, rows, rows, labels[rows])


def assemble_split(
    folder: Path, part: SplitRows, columns: EncodedColumns, schema: EncodedSchema, of_the_item: Collection[str]
) -> None:
    """Writes `categorical`, `numeric` and `multicategorical-N` of one part; see `EncodedSplit`.

    Features whose names are in `of_the_item` are taken from the part's item rows.
    """

    def gathered(feature: EncodedFeature, block: slice) -> NDArray[Any]:
        rows = part.item if feature.name in of_the_item else part.row
        source = columns.numbers(feature) if feature.kind == "numeric" else columns.ids(feature)
        return source[rows[block]]

    for kind, dtype in (("categorical", np.int32), ("numeric", np.float32)):
        features = schema.of_kind(kind)
        blocks = (_matrix(features, block, gathered, dtype) for block in _blocks(len(part.row)))
        write_array(folder / f"{kind}.npy", (len(part.row), len(features)), dtype, blocks)
    for index, feature in enumerate(schema.of_kind("multicategorical")):
        lists = (gathered(feature, block) for block in _blocks(len(part.row)))
        write_array(folder / f"multicategorical-{index}.npy", (len(part.row), feature.length), np.int32, lists)


def write_array(path: Path, shape: tuple[int, ...], dtype: Any, blocks: Iterator[NDArray[Any]]) -> None:
    """An `.npy` file of `shape`, the same as `numpy.save` writes, from blocks of its rows."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            np.ascontiguousarray(block).tofile(file)


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))


def _matrix(features: Sequence[EncodedFeature], block: slice, gathered: Any, dtype: Any) -> NDArray[Any]:
    """[block, features]."""
    matrix = np.empty((block.stop - block.start, len(features)), dtype)
    for index, feature in enumerate(features):
        matrix[:, index] = gathered(feature, block)
    return matrix
