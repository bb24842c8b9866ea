"""Encoded features in the order of the source, each in a file of its own until the parts are made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.encoder_protocol import EncodedValues
from ctrlab_trainer.data.prepared.encoded_splits import EncodedFeature


@dataclass(frozen=True)
class EncodedColumns:
    """One file for each feature, with global ids, below a folder for temporary files."""

    folder: Path

    def write(self, feature: EncodedFeature, runs: Iterable[EncodedValues]) -> None:
        """Appends rows of one feature, given in runs, with ids within its block made global."""
        with self._path(feature).open("ab") as file:
            for run in runs:
                _global(run, feature.offset).tofile(file)

    def ids(self, feature: EncodedFeature) -> NDArray[np.int32]:
        """[rows] or [rows, length], mapped from the disk."""
        found: NDArray[np.int32] = np.memmap(self._path(feature), np.int32, mode="r")
        return found.reshape(-1, feature.length) if feature.kind == "multicategorical" else found

    def numbers(self, feature: EncodedFeature) -> NDArray[np.float32]:
        """[rows], mapped from the disk."""
        return np.memmap(self._path(feature), np.float32, mode="r")

    def _path(self, feature: EncodedFeature) -> Path:
        return self.folder / f"{feature.offset}.column"


def _global(run: EncodedValues, offset: int) -> EncodedValues:
    """Ids within a block as rows of the fused table, padding as row 0; numbers as they are."""
    if run.dtype == np.float32:
        return run
    return np.where(run < 0, 0, run + np.int32(offset)).astype(np.int32)
