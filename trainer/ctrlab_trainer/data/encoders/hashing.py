"""Hash encoding: the id is a hash of the value, so nothing is fitted and nothing is out of vocabulary.

The hash is the first eight bytes of BLAKE2b of the UTF-8 text, modulo the number of buckets: the same on every machine
and in every version of Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.crossing import cross_columns
from ctrlab_trainer.data.encoders.encoder_protocol import EncodingKind, FittedEncoding, FittedLists
from ctrlab_trainer.data.readers.source_tables import SourceTable


@dataclass(frozen=True)
class HashEncoder:
    """Hash encoder of Categorical and Cross features."""

    columns: tuple[str, ...]
    buckets: int

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> None:
        """Do nothing: hashing needs no state."""

    def merge(self, states: Sequence[None]) -> None:
        """Do nothing: hashing needs no state."""

    def fit(self, state: None) -> FittedEncoding:
        """Return an encoding with one id per bucket, and the out-of-vocabulary id, which no row has."""
        return hash_encoding("categorical", self.buckets, 1)

    def encode(self, rows: SourceTable, fitted: FittedEncoding) -> NDArray[np.int32]:
        """Return [rows] ids."""
        column = cross_columns(rows, self.columns)
        return hash_texts(column.values, self.buckets)[column.codes]


def hash_texts(values: pa.Array, buckets: int) -> NDArray[np.int32]:
    """Return [values] the id of each text, from 1 to `buckets`."""
    hashes = (int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) for text in values.to_pylist())
    return np.fromiter((number % buckets + 1 for number in hashes), np.int32, len(values))


def hash_encoding(kind: EncodingKind, buckets: int, length: int, lists: FittedLists | None = None) -> FittedEncoding:
    """Return an encoding with one id per bucket, and the out-of-vocabulary id, which no row has."""
    return FittedEncoding(kind, buckets + 1, length, {"hash": "blake2b-64", "buckets": buckets}, lists=lists)
