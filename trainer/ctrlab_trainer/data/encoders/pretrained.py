"""Categorical with pre-trained vectors: values of the file have an id even if train never saw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.features import Pretrained
from ctrlab_trainer.data.encoders.categorical import CategoricalEncoder
from ctrlab_trainer.data.encoders.vocabulary import TextCounts, Vocabulary
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize


@dataclass(frozen=True)
class VectorVocabulary(Vocabulary):
    """Values that train has often enough, then those of the file alone by text; and what the ids' vectors are."""

    vectors: NDArray[np.float32]
    """[ids, width]; NaN for ids whose embedding is learned."""


@dataclass(frozen=True)
class PretrainedEncoder:
    """See `FeatureEncoder`."""

    values: CategoricalEncoder
    given: Pretrained
    path: Path

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return self.values.columns

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """How often train has each value."""
        return self.values.observe(rows, in_train)

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Counts add up."""
        return self.values.merge(states)

    def fit(self, state: TextCounts) -> VectorVocabulary:
        """The vocabulary of train and file together; InvalidData for a file that cannot be used."""
        keys, vectors = read_vectors(self.path, self.given, self.columns[0])
        trained = Vocabulary.fit(state, self.values.min_frequency)
        new = np.flatnonzero(np.asarray(pc.invert(pc.is_in(keys, value_set=trained.values)), bool))
        added = keys.take(pa.array(new)).take(pc.sort_indices(keys.take(pa.array(new))))
        known = pa.concat_arrays([trained.values, added])
        place = np.asarray(pc.index_in(known, value_set=keys).fill_null(-1))
        of_ids = np.vstack([np.full((1, vectors.shape[1]), np.nan, np.float32), vectors[place]])
        of_ids[1:][place < 0] = np.nan
        match self.given.missing:
            case "Zero":
                of_ids = np.nan_to_num(of_ids, nan=0.0)
            case "Mean":
                of_ids = np.where(np.isnan(of_ids), vectors.mean(axis=0, dtype=np.float64), of_ids)
            case "Learned":
                pass
        record: dict[str, object] = {"values": known.to_pylist(), "vectors": len(keys)}
        return VectorVocabulary("categorical", len(known) + 1, 1, record, known, of_ids.astype(np.float32))

    def encode(self, rows: SourceTable, fitted: VectorVocabulary) -> NDArray[np.int32]:
        """[rows] ids."""
        return self.values.encode(rows, fitted)


def read_vectors(path: Path, given: Pretrained, column: str) -> tuple[pa.Array, NDArray[np.float32]]:
    """Values as text [values], and their vectors [values, width], float32.

    InvalidData for a file without the columns, a value that stands twice, and vectors that differ in length or hold
    something else than finite numbers.
    """
    key = given.key or column
    try:
        names = pyarrow.parquet.read_schema(path).names
        absent = [name for name in (key, given.vector) if name not in names]
        if absent:
            raise InvalidData.at(path.name, f"has no column {absent[0]!r}; known: {', '.join(names)}")
        table = pyarrow.parquet.ParquetFile(path).read(columns=[key, given.vector]).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"is not a complete parquet file: {str(error).splitlines()[0]}") from error
    if table.num_rows == 0:
        raise InvalidData.at(path.name, "holds no vectors")
    keys = factorize(table[key])
    seen = np.bincount(keys.codes)
    if seen.max() > 1:
        twice = int(np.argmax(seen))
        row = int(np.flatnonzero(keys.codes == twice)[1])
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {key}",
            f"the value {keys.texts()[twice]!r} stands in two rows; a value has at most one vector",
        )
    lists = table[given.vector]
    kind = lists.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise InvalidData.at(f"{path.name}, column {given.vector}", f"holds {kind}; allowed are lists of numbers")
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0), np.int64)
    if (lengths != lengths[0]).any() or lengths[0] == 0:
        row = int(np.argmax((lengths != lengths[0]) | (lengths == 0)))
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {given.vector}",
            f"has {lengths[row]} numbers, and the first row has {lengths[0]}; all vectors must have one length",
        )
    try:
        flat = pc.list_flatten(lists).cast(pa.float32())
    except pa.ArrowException as error:
        raise InvalidData.at(f"{path.name}, column {given.vector}", f"holds lists of {kind.value_type}") from error
    vectors = np.asarray(flat.fill_null(np.nan), np.float32).reshape(len(lengths), int(lengths[0]))
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {given.vector}", "holds a number that is missing or not finite"
        )
    order = np.empty(len(vectors), np.int64)
    order[keys.codes] = np.arange(len(vectors))
    return keys.values, vectors[order]
