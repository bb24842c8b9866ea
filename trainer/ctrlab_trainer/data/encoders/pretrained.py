"""Categorical features with pre-trained vectors: values in the file have an id even if they are not in train."""

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
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize_keys
from ctrlab_trainer.data.readers.table_matches import KeyLookup, LookupColumns, TableMatch, table_match


@dataclass(frozen=True)
class VectorVocabulary(Vocabulary):
    """Values that are frequent enough in train, then values only in the file by text; and the vectors of the ids."""

    vectors: NDArray[np.float32]
    """[ids, width]; NaN for ids whose embedding is learned."""


@dataclass(frozen=True)
class PretrainedEncoder:
    """Encoder of Categorical features with pre-trained vectors."""

    base: CategoricalEncoder
    config: Pretrained
    path: Path

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return self.base.columns

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """Count the values in train."""
        return self.base.observe(rows, in_train)

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Add the counts."""
        return self.base.merge(states)

    def fit(self, state: TextCounts, of_rows: TextCounts | None = None) -> VectorVocabulary:
        """Build the vocabulary of train and file.

        `of_rows` counts the values in the column of the feature, if `state` also contains the events of histories.
        InvalidData for a file that cannot be used, or that has no value of train.
        """
        keys, vectors = read_vectors(self.path, self.config, self.columns[0])
        match = self._match(state if of_rows is None else of_rows, keys)
        from_train = Vocabulary.fit(state, self.base.min_frequency)
        only_in_file = np.flatnonzero(np.asarray(pc.invert(pc.is_in(keys, value_set=from_train.values)), bool))
        from_file = keys.take(pa.array(only_in_file))
        values = pa.concat_arrays([from_train.values, from_file.take(pc.sort_indices(from_file))])
        row_of_value = np.asarray(pc.index_in(values, value_set=keys).fill_null(-1))
        by_id = np.vstack([np.full((1, vectors.shape[1]), np.nan, np.float32), vectors[row_of_value]])
        by_id[1:][row_of_value < 0] = np.nan
        match self.config.missing:
            case "Zero":
                by_id = np.nan_to_num(by_id, nan=0.0)
            case "Mean":
                by_id = np.where(np.isnan(by_id), vectors.mean(axis=0, dtype=np.float64), by_id)
            case "Learned":
                pass
        record: dict[str, object] = {"values": values.to_pylist(), "vectors": len(keys)}
        return VectorVocabulary(
            "categorical", len(values) + 1, 1, record, values, by_id.astype(np.float32), match=match
        )

    def _match(self, state: TextCounts, keys: pa.Array) -> TableMatch:
        """Count the values of train in the file; examples of values without a vector are the most frequent ones."""
        in_train = pa.table({"value": state.values, "count": state.counts})
        in_train = in_train.sort_by([("count", "descending"), ("value", "ascending")]).combine_chunks()
        values = pa.concat_arrays([pa.array([], pa.string()), *in_train["value"].chunks])
        positions = pc.index_in(values, value_set=keys)
        lookup = KeyLookup.of(values, np.asarray(in_train["count"], np.int64), positions, len(keys))
        column = self.columns[0]
        where = LookupColumns(
            self.path.name,
            self.config.key or column,
            column,
            "write the same values in both, or set pretrained.key to the column with the values of the feature",
        )
        return table_match(where, lookup, lambda: keys)

    def encode(self, rows: SourceTable, fitted: VectorVocabulary) -> NDArray[np.int32]:
        """Return [rows] ids."""
        return self.base.encode(rows, fitted)


def read_vectors(path: Path, config: Pretrained, column: str) -> tuple[pa.Array, NDArray[np.float32]]:
    """Return values as text [values], and their vectors [values, width], float32; rows without a value are left out.

    InvalidData for a file without the columns or with two of one name, keys without text, a duplicate value, vectors of
    different lengths, and vectors with values that are not finite numbers.
    """
    key = config.key or column
    try:
        names = pyarrow.parquet.read_schema(path).names
        missing = [name for name in (key, config.vector) if name not in names]
        if missing:
            raise InvalidData.at(path.name, f"has no column {missing[0]!r}; known: {', '.join(names)}")
        repeated = [name for name in (key, config.vector) if names.count(name) > 1]
        if repeated:
            raise InvalidData.at(path.name, f"the column {repeated[0]!r} appears twice; give each column another name")
        table = pyarrow.parquet.ParquetFile(path).read(columns=[key, config.vector]).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"is not a complete parquet file: {str(error).splitlines()[0]}") from error
    if table.num_rows == 0:
        raise InvalidData.at(path.name, "has no vectors")
    keys = factorize_keys(table[key], f"{path.name}, column {key}")
    counts = np.bincount(keys.codes, minlength=len(keys.values))
    counts[np.asarray(pc.equal(keys.values, ""), bool)] = 0
    present = counts > 0
    if not present.any():
        raise InvalidData.at(f"{path.name}, column {key}", "has no value in any row")
    if counts.max() > 1:
        duplicate = int(np.argmax(counts))
        row = int(np.flatnonzero(keys.codes == duplicate)[1])
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {key}",
            f"the value {keys.texts()[duplicate]!r} is in two rows; a value has at most one vector",
        )
    lists = table[config.vector]
    kind = lists.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise InvalidData.at(f"{path.name}, column {config.vector}", f"found {kind}; allowed are lists of numbers")
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0), np.int64)
    if (lengths != lengths[0]).any() or lengths[0] == 0:
        row = int(np.argmax((lengths != lengths[0]) | (lengths == 0)))
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {config.vector}",
            f"has {lengths[row]} numbers, but the first row has {lengths[0]}; all vectors have the same length of at "
            "least 1: leave out rows whose vector is missing",
        )
    try:
        flat = pc.list_flatten(lists).cast(pa.float32())
    except pa.ArrowException as error:
        raise InvalidData.at(
            f"{path.name}, column {config.vector}", f"found lists of {kind.value_type}; allowed are lists of numbers"
        ) from error
    vectors = np.asarray(flat.fill_null(np.nan), np.float32).reshape(len(lengths), int(lengths[0]))
    invalid = ~np.isfinite(vectors).all(axis=1)
    if invalid.any():
        row = int(np.argmax(invalid))
        raise InvalidData.at(
            f"{path.name}, row {row + 1}, column {config.vector}", "has a number that is missing or not finite"
        )
    order = np.empty(len(keys.values), np.int64)
    order[keys.codes] = np.arange(len(vectors))
    return keys.values.filter(pa.array(present)), vectors[order[present]]
