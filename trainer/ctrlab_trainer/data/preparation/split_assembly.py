"""Assembly of the arrays of one split from encoded columns in source order, block by block.

The files are written directly and not through memory maps, so that only one block of a large data set is in memory.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.preparation.encoded_columns import EncodedColumns
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.splits.split_rows import SplitRows

BLOCK_ROWS: Final = 1 << 17
"""Number of rows gathered at a time."""


def assemble_split(
    folder: Path, split: SplitRows, columns: EncodedColumns, schema: EncodedSchema, from_item: Collection[str]
) -> None:
    """Write the arrays of one split that have an entry per row, except those of logged events; see `EncodedSplit`.

    Features named in `from_item` are read from the split's item rows.
    """

    def gather(feature: EncodedFeature, block: slice) -> NDArray[Any]:
        rows = split.item if feature.name in from_item else split.row
        source = columns.numbers(feature) if feature.kind in ("numeric", "vector") else columns.ids(feature)
        return source[rows[block]]

    for kind, dtype in (("categorical", np.int32), ("numeric", np.float32)):
        features = schema.of_kind(kind)
        blocks = (_matrix(features, block, gather, dtype) for block in _blocks(len(split.row)))
        write_array(folder / f"{kind}.npy", (len(split.row), len(features)), dtype, blocks)
    for index, feature in enumerate(schema.of_kind("multicategorical")):
        lists = (gather(feature, block) for block in _blocks(len(split.row)))
        write_array(folder / f"multicategorical-{index}.npy", (len(split.row), feature.length), np.int32, lists)
    for index, feature in enumerate(schema.of_kind("vector")):
        vectors = (gather(feature, block) for block in _blocks(len(split.row)))
        write_array(folder / f"vector-{index}.npy", (len(split.row), feature.length), np.float32, vectors)
    for file, feature in schema.stored_histories.items():
        if feature.through is None:
            _write_events(folder / file, split.item if feature.name in from_item else split.row, columns, feature)


def _write_events(path: Path, rows: NDArray[np.int64], columns: EncodedColumns, feature: EncodedFeature) -> None:
    """Write `PATH-ids.npy` of a stored history, and `PATH-gaps.npy` if its events have times."""
    events, shape = columns.events(feature), (len(rows), feature.length)
    ids = (events[rows[block]]["id"] for block in _blocks(len(rows)))
    write_array(path.with_name(f"{path.name}-ids.npy"), shape, np.int32, ids)
    if feature.stored == "IdsAndTimes":
        gaps = (events[rows[block]]["gap"] for block in _blocks(len(rows)))
        write_array(path.with_name(f"{path.name}-gaps.npy"), shape, np.uint8, gaps)


def write_array(path: Path, shape: tuple[int, ...], dtype: Any, blocks: Iterator[NDArray[Any]]) -> None:
    """Write an `.npy` file of `shape` from blocks of its rows, byte for byte as `numpy.save` does."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            np.ascontiguousarray(block).tofile(file)


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))


def _matrix(features: Sequence[EncodedFeature], block: slice, gather: Any, dtype: Any) -> NDArray[Any]:
    """Return [block, features]."""
    matrix = np.empty((block.stop - block.start, len(features)), dtype)
    for index, feature in enumerate(features):
        matrix[:, index] = gather(feature, block)
    return matrix
