"""Encoded features in source order, one temporary file per feature, from which the splits are assembled."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.encoder_protocol import EncodedValues
from ctrlab_trainer.data.encoders.stored_histories import EVENT
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature


@dataclass(frozen=True)
class EncodedColumns:
    """One file of global ids or numbers per feature, in a temporary folder."""

    folder: Path

    def write(self, feature: EncodedFeature, chunks: Iterable[EncodedValues]) -> None:
        """Append chunks of rows of one feature; ids within its block become global ids."""
        with self._path(feature).open("ab") as file:
            for chunk in chunks:
                _to_global(chunk, feature.offset).tofile(file)

    def ids(self, feature: EncodedFeature) -> NDArray[np.int32]:
        """Return [rows] or [rows, length] global ids, memory-mapped."""
        ids: NDArray[np.int32] = np.memmap(self._path(feature), np.int32, mode="r")
        return ids.reshape(-1, feature.length) if feature.kind == "multicategorical" else ids

    def events(self, feature: EncodedFeature) -> NDArray[np.void]:
        """Return the [rows, length] events of a stored history with global ids, memory-mapped; see `EVENT`."""
        events: NDArray[np.void] = np.memmap(self._path(feature), EVENT, mode="r")
        return events.reshape(-1, feature.length)

    def numbers(self, feature: EncodedFeature) -> NDArray[np.float32]:
        """Return [rows] numbers, or [rows, width] of a vector, memory-mapped."""
        numbers: NDArray[np.float32] = np.memmap(self._path(feature), np.float32, mode="r")
        return numbers.reshape(-1, feature.length) if feature.kind == "vector" else numbers

    def _path(self, feature: EncodedFeature) -> Path:
        # A stored history has the offset of its feature, and a name may not be a valid file name.
        name = hashlib.blake2b(feature.name.encode(), digest_size=16).hexdigest()
        return self.folder / f"{name}.column"


def _to_global(chunk: EncodedValues, offset: int) -> EncodedValues:
    """Convert ids within a block to rows of the fused table, with padding as row 0; return numbers unchanged."""
    if chunk.dtype == np.float32:
        return chunk
    if chunk.dtype == EVENT:
        events: NDArray[np.void] = np.array(chunk, EVENT)
        events["id"] = _global_ids(events["id"], offset)
        return events
    return _global_ids(np.asarray(chunk, np.int32), offset)


def _global_ids(ids: NDArray[np.int32], offset: int) -> NDArray[np.int32]:
    return np.where(ids < 0, 0, ids + np.int32(offset)).astype(np.int32)
