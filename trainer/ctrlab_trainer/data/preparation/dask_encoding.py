"""The encoding of a source that is too large for one machine, on a Dask cluster: equal bytes, whoever reads the rows.

Each file of the source is a part, which workers read, learn from and encode by the same functions as one machine does.
Here are only the columns that say what a row is (users, times, labels), some twenty bytes a row, and what comes of it.
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
from ctrlab_trainer.data.encoders import FeatureEncoder, FittedEncoding, build_encoders
from ctrlab_trainer.data.encoders.encoder_protocol import EncodedValues
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset, observe_train_rows
from ctrlab_trainer.data.preparation.embedding_blocks import build_schema
from ctrlab_trainer.data.preparation.encoded_columns import EncodedColumns
from ctrlab_trainer.data.preparation.source_columns import (
    feature_columns,
    key_columns,
    numeric_columns,
    required_columns,
)
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.readers.column_spool import require_one_type
from ctrlab_trainer.data.readers.delimited_files import NonNumericColumn
from ctrlab_trainer.data.readers.source_reading import SourceReader
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles

PATIENCE_SECONDS: Final = 10
"""How long a scheduler may take to answer, and a worker to appear."""
FAN_IN: Final = 8
"""States that one task merges."""
AHEAD: Final = 2
"""Encoded parts for each thread of the cluster that may wait to be fetched."""

Encoders = dict[str, FeatureEncoder[Any, Any]]
States = dict[str, Any]
"""One state for each feature."""


def connect(address: str) -> Client:
    """A client of a Dask scheduler (`tcp://host:port`); InvalidData where none answers, or its workers are no use."""
    try:
        client = Client(address, timeout=PATIENCE_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidData.at("--scheduler", f"no Dask scheduler answers at {address!r}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        _require_version(version("ctrlab"), client.run(version, "ctrlab", on_error="return"))
    except TimeoutError as error:
        client.close()
        raise InvalidData.at("--scheduler", f"{address} has no workers; start some: dask worker {address}") from error
    except InvalidData:
        client.close()
        raise
    return client


def _require_version(here: str, found: Mapping[str, str | Exception]) -> None:
    """InvalidData for a worker that has no ctrlab, or another version, which could write other bytes."""
    for worker, there in found.items():
        if there != here:
            what = "does not have ctrlab" if isinstance(there, Exception) else f"has ctrlab {there}"
            raise InvalidData.at("--scheduler", f"the worker {worker} {what}; all need version {here}")


@dataclass(frozen=True)
class DaskEncoder:
    """Encodes on the workers of a Dask cluster; called as `prepare.on_this_machine` is."""

    client: Client

    def __call__(self, dataset: Dataset, located: LocatedSource, folder: Path) -> EncodedDataset:
        """Reads each part three times, for its keys, its states and its ids; InvalidData as on one machine."""
        if not isinstance(located.main, TableFiles):
            raise InvalidData.at(
                "spec.dataset.source.uri", f"{located.name} is generated here and has no parts; leave --scheduler out"
            )
        whole = SourceReader.of(located, required_columns(dataset))
        keys = self._all(read_keys, SourceReader.of(located, key_columns(dataset)).parts)
        if not any(part.rows for part in keys):
            raise InvalidData.at(located.name, "holds no rows")
        _require_one_type([part.types for part in keys])
        filled = [index for index, part in enumerate(keys) if part.rows]
        parts = SourceReader.of(located, feature_columns(dataset)).parts
        features = _Features(self, [parts[index] for index in filled])
        rows = pa.concat_tables([keys[index].data for index in filled])
        files = tuple((keys[index].file, keys[index].rows) for index in filled)
        return encode_dataset(SourceTable(rows, files, whole.joined, whole.joined_by), dataset, folder, features)

    def submit(self, function: Any, *arguments: Any) -> Future:
        """A task that runs whether or not an equal one ran before."""
        return self.client.submit(function, *arguments, pure=False)

    def shared(self, value: Any) -> Future:
        """A value that every worker gets once."""
        return self.client.scatter([value], broadcast=True, hash=False)[0]

    def _all(self, function: Any, parts: Sequence[SourceReader]) -> list[Any]:
        return list(self.client.gather([self.submit(function, part) for part in parts]))

    def in_order(self, function: Any, parts: Sequence[SourceReader], *arguments: Any) -> Iterator[Any]:
        """Results in the order of the parts, fetched one at a time, of which few wait on the workers."""
        ahead = AHEAD * max(1, sum(self.client.nthreads().values()))
        waiting: deque[Future] = deque()
        for part in parts:
            if len(waiting) == ahead:
                yield waiting.popleft().result()
            waiting.append(self.submit(function, part, *arguments))
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True)
class _Features:
    """Fits and encodes all features part by part; called as `encoding.encode_features` is."""

    engine: DaskEncoder
    parts: list[SourceReader]

    def __call__(
        self, table: SourceTable, dataset: Dataset, in_train: NDArray[np.bool_], columns: EncodedColumns
    ) -> tuple[EncodedSchema, dict[str, FittedEncoding]]:
        encoders = self.engine.shared(build_encoders(dataset))
        ends = np.cumsum([rows for _, rows in table.files])[:-1]
        trains = np.split(in_train, ends)
        numeric = numeric_columns(dataset)
        try:
            state = self._learnt(encoders, trains, numeric)
        except NonNumericColumn:
            numeric = frozenset()
            state = self._learnt(encoders, trains, numeric)
        fitted = {name: encoder.fit(state[name]) for name, encoder in build_encoders(dataset).items()}
        schema = build_schema(dataset, fitted)
        found = self.engine.in_order(encode_part, self.parts, encoders, self.engine.shared(fitted), numeric)
        for part in found:
            for name, ids in part.items():
                columns.write(schema.feature(name), [ids])
        return schema, fitted

    def _learnt(self, encoders: Future, trains: list[NDArray[np.bool_]], numeric: Collection[str]) -> States:
        """What train says of every feature; states are merged where they are."""
        pairs = zip(self.parts, trains, strict=True)
        seen = [self.engine.submit(observe_part, part, encoders, train, numeric) for part, train in pairs]
        types = [self.engine.submit(_types, part) for part in seen]
        states = [self.engine.submit(_states, part) for part in seen]
        _require_one_type(self.engine.client.gather(types))
        while len(states) > 1:
            groups = (states[first : first + FAN_IN] for first in range(0, len(states), FAN_IN))
            states = [self.engine.submit(merged, encoders, group) for group in groups]
        found: States = states[0].result()
        return found


@dataclass(frozen=True)
class Types:
    """Of the columns of one file."""

    file: str
    of: dict[str, pa.DataType]


@dataclass(frozen=True)
class Keys:
    """The columns of one part that say what a row is."""

    file: str
    data: pa.Table

    @property
    def rows(self) -> int:
        """Number of rows; a part may have none."""
        return int(self.data.num_rows)

    @property
    def types(self) -> Types:
        """Of its columns."""
        return Types(self.file, {field.name: field.type for field in self.data.schema})


def read_keys(part: SourceReader) -> Keys:
    """A task: the rows of one part without their features."""
    table = part.rows(())
    if table.rows == 0:
        return Keys(part.name, pa.table({}))
    return Keys(table.files[0][0], pa.table({name: table.data[name] for name in part.wanted}))


def observe_part(
    part: SourceReader, encoders: Encoders, in_train: NDArray[np.bool_], numeric: Collection[str]
) -> tuple[Types, States]:
    """A task: what the train rows of one part say of every feature; NotNumbers as `Reading.rows`."""
    table = part.rows(numeric)
    types = {name: table.data[name].type for name in part.wanted if name not in numeric}
    return Types(table.files[0][0], types), {
        name: observe_train_rows(of, table, in_train) for name, of in encoders.items()
    }


def _types(observed: tuple[Types, States]) -> Types:
    return observed[0]


def _states(observed: tuple[Types, States]) -> States:
    return observed[1]


def merged(encoders: Encoders, states: Sequence[States]) -> States:
    """A task: the states of several parts as those of all their rows."""
    return {name: encoder.merge([of[name] for of in states]) for name, encoder in encoders.items()}


def encode_part(
    part: SourceReader, encoders: Encoders, fitted: dict[str, FittedEncoding], numeric: Collection[str]
) -> dict[str, EncodedValues]:
    """A task: the encoded rows of one part by feature."""
    table = part.rows(numeric)
    found: dict[str, EncodedValues] = {}
    for name, encoder in encoders.items():
        runs: list[Any] = [encoder.encode(run, fitted[name]) for run in table.chunks(encoder.columns)]
        found[name] = np.concatenate(runs)
    return found


def _require_one_type(found: Sequence[Types]) -> None:
    """InvalidData for a column that has another type in a later file."""
    first = next((types for types in found if types.of), None)
    for types in found:
        for name, type_ in types.of.items():
            if first is not None:
                require_one_type(types.file, name, type_, first.file, first.of[name])
