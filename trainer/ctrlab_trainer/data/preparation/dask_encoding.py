"""Encoding of a source that is too large for one machine, on a Dask cluster, with the same bytes as on one machine.

Workers read, observe and encode each file of the source with the functions that one machine uses. The client process
keeps only the key columns of all rows (users, times, labels; about twenty bytes per row) and the result.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from distributed import Client, Future
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.encoders import Encoder, FittedEncoding, build_encoders, encode_rows, fit_features
from ctrlab_trainer.data.encoders.encoder_protocol import EncodedValues
from ctrlab_trainer.data.preparation.dataset_encoding import EncodedFeatures, encode_dataset, observe_train_rows
from ctrlab_trainer.data.preparation.embedding_blocks import build_schema
from ctrlab_trainer.data.preparation.encoded_columns import EncodedColumns
from ctrlab_trainer.data.preparation.source_columns import (
    feature_columns,
    key_columns,
    numeric_columns,
    required_columns,
)
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.column_spool import require_one_type
from ctrlab_trainer.data.readers.delimited_files import NonNumericColumn
from ctrlab_trainer.data.readers.source_reading import SourceReader
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.readers.table_matches import KeyLookup, sum_lookups
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles
from ctrlab_trainer.data.times.row_times import TimeReading

CONNECT_TIMEOUT_SECONDS: Final = 10
"""Timeout for the scheduler to respond, and for the first worker to appear."""
FAN_IN: Final = 8
"""Number of states that one task merges."""
PREFETCH: Final = 2
"""Encoded files per thread of the cluster that may wait to be collected."""

Encoders = dict[str, Encoder]


@dataclass(frozen=True)
class States:
    """Observations of some rows."""

    by_feature: dict[str, Any]
    """State of each feature's encoder."""
    lookups: tuple[KeyLookup, ...]
    """Look-ups in the side tables of the reader."""


def connect(address: str) -> Client:
    """Connect to a Dask scheduler (`tcp://host:port`); InvalidData if none responds or its workers cannot be used."""
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidData.at("--scheduler", f"no Dask scheduler responds at {address!r}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_SECONDS)
        _require_version(version("ctrlab"), client.run(version, "ctrlab", on_error="return"))
    except TimeoutError as error:
        client.close()
        raise InvalidData.at("--scheduler", f"{address} has no workers; start some: dask worker {address}") from error
    except InvalidData:
        client.close()
        raise
    return client


def _require_version(expected: str, versions: Mapping[str, str | Exception]) -> None:
    """Raise InvalidData for a worker without ctrlab, or with another version, which could write different bytes."""
    for worker, installed in versions.items():
        if installed != expected:
            problem = "does not have ctrlab" if isinstance(installed, Exception) else f"has ctrlab {installed}"
            raise InvalidData.at("--scheduler", f"the worker {worker} {problem}; all need version {expected}")


@dataclass(frozen=True)
class DaskEncoder:
    """Encodes a source on the workers of a Dask cluster; called like `encode_locally`."""

    client: Client

    def __call__(self, dataset: Dataset, located: LocatedSource, folder: Path) -> EncodedDataset:
        """Read each file three times, for its keys, its states and its ids; InvalidData as on one machine."""
        if not isinstance(located.main, TableFiles):
            raise InvalidData.at(
                "spec.dataset.source.uri",
                f"{located.name} is generated on this machine and has no files; leave --scheduler out",
            )
        reader = SourceReader.of(located, required_columns(dataset), dataset.missing_texts)
        key_reader = SourceReader.of(located, key_columns(dataset), dataset.missing_texts)
        keys = self._run_all(read_keys, key_reader.by_file)
        if not any(file_keys.rows for file_keys in keys):
            raise InvalidData.at(located.name, "has no rows")
        _require_one_type([file_keys.types for file_keys in keys])
        nonempty = [index for index, file_keys in enumerate(keys) if file_keys.rows]
        feature_reader = SourceReader.of(located, feature_columns(dataset), dataset.missing_texts)
        features = _DistributedFeatures(self, feature_reader, nonempty)
        rows = pa.concat_tables([keys[index].data for index in nonempty])
        files = tuple((keys[index].file, keys[index].rows) for index in nonempty)
        table = SourceTable(
            rows,
            files,
            reader.joined,
            reader.joined_by,
            matches=key_reader.check_matches(sum_lookups([file_keys.lookups for file_keys in keys])),
            missing=dataset.missing_texts,
            decimal_commas=reader.decimal_commas,
        )
        return encode_dataset(table, dataset, folder, features)

    def submit(self, function: Any, *arguments: Any) -> Future:
        """Submit a task; an equal task is executed again, not taken from a cache."""
        return self.client.submit(function, *arguments, pure=False)

    def broadcast(self, value: Any) -> Future:
        """Send a value to every worker once."""
        return self.client.scatter([value], broadcast=True, hash=False)[0]

    def _run_all(self, function: Any, readers: Sequence[SourceReader]) -> list[Any]:
        return list(self.client.gather([self.submit(function, reader) for reader in readers]))

    def map_in_order(self, function: Any, readers: Sequence[SourceReader], *arguments: Any) -> Iterator[Any]:
        """Yield results in the order of the files, collected one at a time; only a few wait on the workers."""
        limit = PREFETCH * max(1, sum(self.client.nthreads().values()))
        waiting: deque[Future] = deque()
        for reader in readers:
            if len(waiting) == limit:
                yield waiting.popleft().result()
            waiting.append(self.submit(function, reader, *arguments))
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True)
class _DistributedFeatures:
    """Fits and encodes all features file by file; called like `encode_features`."""

    encoder: DaskEncoder
    reader: SourceReader
    nonempty: list[int]
    """Files with rows."""

    def __call__(
        self,
        table: SourceTable,
        dataset: Dataset,
        in_train: NDArray[np.bool_],
        columns: EncodedColumns,
        times: TimeReading | None,
    ) -> EncodedFeatures:
        encoders = self.encoder.broadcast(build_encoders(dataset, times))
        ends = np.cumsum([rows for _, rows in table.files])[:-1]
        train_by_file = np.split(in_train, ends)
        numeric = numeric_columns(dataset)
        try:
            observed = self._observe(encoders, train_by_file, numeric)
        except NonNumericColumn:
            numeric = frozenset()
            observed = self._observe(encoders, train_by_file, numeric)
        matches = self.reader.check_matches(observed.lookups)
        fitted = fit_features(build_encoders(dataset, times), observed.by_feature)
        schema = build_schema(dataset, fitted)
        readers = self._readers
        files = self.encoder.map_in_order(encode_file, readers, encoders, self.encoder.broadcast(fitted), numeric)
        for values in files:
            for name, chunk in values.items():
                columns.write(schema.feature(name), [chunk])
        return EncodedFeatures(schema, fitted, matches)

    @property
    def _readers(self) -> list[SourceReader]:
        """Readers of the files with rows."""
        by_file = self.reader.by_file
        return [by_file[index] for index in self.nonempty]

    def _observe(self, encoders: Future, train_by_file: list[NDArray[np.bool_]], numeric: Collection[str]) -> States:
        """Return the state of every feature on train; states are merged on the workers."""
        pairs = zip(self._readers, train_by_file, strict=True)
        observed = [self.encoder.submit(observe_file, reader, encoders, train, numeric) for reader, train in pairs]
        types = [self.encoder.submit(_types, file) for file in observed]
        states = [self.encoder.submit(_states, file) for file in observed]
        _require_one_type(self.encoder.client.gather(types))
        while len(states) > 1:
            groups = (states[first : first + FAN_IN] for first in range(0, len(states), FAN_IN))
            states = [self.encoder.submit(merge_states, encoders, group) for group in groups]
        state: States = states[0].result()
        return state


@dataclass(frozen=True)
class ColumnTypes:
    """Types of the columns of one file."""

    file: str
    by_column: dict[str, pa.DataType]


@dataclass(frozen=True)
class KeyColumns:
    """Key columns of one file: users, times, labels, splits and items."""

    file: str
    data: pa.Table
    lookups: tuple[KeyLookup, ...]
    """Look-ups in the side tables of the reader."""

    @property
    def rows(self) -> int:
        """Number of rows, possibly 0."""
        return int(self.data.num_rows)

    @property
    def types(self) -> ColumnTypes:
        """Types of its columns."""
        return ColumnTypes(self.file, {field.name: field.type for field in self.data.schema})


def read_keys(reader: SourceReader) -> KeyColumns:
    """Read the key columns of one file (a Dask task)."""
    table = reader.rows(())
    if table.rows == 0:
        return KeyColumns(reader.name, pa.table({}), table.lookups)
    columns = pa.table({name: table.data[name] for name in reader.required})
    return KeyColumns(table.files[0][0], columns, table.lookups)


def observe_file(
    reader: SourceReader, encoders: Encoders, in_train: NDArray[np.bool_], numeric: Collection[str]
) -> tuple[ColumnTypes, States]:
    """Observe the train rows of one file (a Dask task); NonNumericColumn like `SourceReader.rows`."""
    table = reader.rows(numeric)
    types = {name: table.data[name].type for name in reader.required if name not in numeric}
    states = {name: observe_train_rows(encoder, table, in_train) for name, encoder in encoders.items()}
    return ColumnTypes(table.files[0][0], types), States(states, table.lookups)


def _types(observed: tuple[ColumnTypes, States]) -> ColumnTypes:
    return observed[0]


def _states(observed: tuple[ColumnTypes, States]) -> States:
    return observed[1]


def merge_states(encoders: Encoders, states: Sequence[States]) -> States:
    """Merge the states of several files (a Dask task)."""
    merged = {name: encoder.merge([state.by_feature[name] for state in states]) for name, encoder in encoders.items()}
    return States(merged, sum_lookups([state.lookups for state in states]))


def encode_file(
    reader: SourceReader, encoders: Encoders, fitted: dict[str, FittedEncoding], numeric: Collection[str]
) -> dict[str, EncodedValues]:
    """Encode the rows of one file, by feature (a Dask task)."""
    table = reader.rows(numeric)
    values: dict[str, EncodedValues] = {}
    for name, encoder in encoders.items():
        chunks: list[Any] = [encode_rows(name, encoder, chunk, fitted) for chunk in table.chunks(encoder.columns)]
        values[name] = np.concatenate(chunks)
    return values


def _require_one_type(files: Sequence[ColumnTypes]) -> None:
    """Raise InvalidData for a column whose type differs between files."""
    first = next((types for types in files if types.by_column), None)
    for types in files:
        for name, type_ in types.by_column.items():
            if first is not None:
                require_one_type(types.file, name, type_, first.file, first.by_column[name])
