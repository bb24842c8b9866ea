"""Reads the columns that a data set asks for out of its tables into a spool, and joins side tables to the rows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData, Problem
from ctrlab_trainer.data.readers.column_spool import Spool
from ctrlab_trainer.data.readers.delimited_files import (
    DICTIONARY_TEXT,
    NonNumericColumn,
    delimited_columns,
    read_delimited,
)
from ctrlab_trainer.data.readers.jsonl_files import jsonl_columns, read_jsonl
from ctrlab_trainer.data.readers.libsvm_files import INDEX_COLUMN, libsvm_columns, read_libsvm
from ctrlab_trainer.data.readers.parquet_files import parquet_columns, read_parquet
from ctrlab_trainer.data.readers.sequence_files import SEQUENCE_COLUMNS, read_sequences
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles
from ctrlab_trainer.data.sources.synthetic_clicks import SyntheticOptions, generate_clicks

Batches = Iterator[tuple[str, pa.RecordBatch]]
"""Batches of rows, each with the name of the file that it is from."""


def available_columns(located: LocatedSource) -> tuple[str, ...]:
    """Every column that a data set may name, those of side tables after the rows' own."""
    tables = [_columns_of(located.main), *(_columns_of(side) for side in located.sides)]
    return tuple(dict.fromkeys(name for columns in tables for name in columns))


def read_source(located: LocatedSource, wanted: Mapping[str, str], numeric: Collection[str] = ()) -> SourceTable:
    """The wanted columns (name -> the field of the specification that asks for it), row by row, on the disk.

    Columns in `numeric` are wanted as numbers alone. Raises InvalidData as `SourceReader` does, and for a source
    without rows.
    """
    reading = SourceReader.of(located, wanted)
    try:
        table = reading.rows(numeric)
    except NonNumericColumn:
        table = reading.rows(())
    if table.rows == 0:
        raise InvalidData.at(located.name, "holds no rows")
    return table


@dataclass(frozen=True)
class SourceReader:
    """Which columns are read from which tables; known before the first row is. Picklable, for other processes."""

    main: TableFiles | SyntheticOptions
    name: str
    wanted: tuple[str, ...]
    kept: frozenset[str]
    """Columns of the rows' own tables that are read."""
    sides: tuple["_Side", ...]

    @classmethod
    def of(cls, located: LocatedSource, wanted: Mapping[str, str]) -> "SourceReader":
        """A column that both the rows and a side table have is taken from the rows.

        InvalidData for an absent file or column, and for parts that have other columns than the first.
        """
        own = _columns_of(located.main, wanted)
        sides = [(side, _columns_of(side)) for side in located.sides]
        known = dict.fromkeys([*own, *available_columns(located)])
        absent = [
            Problem(field, f"{located.name} has no column {name!r}; known: {', '.join(known)}")
            for name, field in wanted.items()
            if name not in known
        ]
        if absent:
            raise InvalidData(absent)
        used: list[_Side] = []
        for side, columns in sides:
            key = _key(side, columns, own)
            before = {name for other in used for name in other.taken}
            taken = tuple(name for name in columns if name in wanted and name not in own and name not in before)
            if taken:
                used.append(_Side(side, key, taken))
        kept = {*wanted, *(side.key for side in used)} & set(own)
        return cls(located.main, located.name, tuple(wanted), frozenset(kept), tuple(used))

    @property
    def parts(self) -> list["SourceReader"]:
        """The same of each file of the rows by itself, in order."""
        assert isinstance(self.main, TableFiles)
        return [replace(self, main=replace(self.main, files=(file,))) for file in self.main.files]

    @property
    def joined(self) -> dict[str, str]:
        """Columns that come from a side table -> its name."""
        return {name: side.table.name for side in self.sides for name in side.taken}

    @property
    def joined_by(self) -> dict[str, str]:
        """The same columns -> the column that joins their side table to the rows."""
        return {name: side.key for side in self.sides for name in side.taken}

    def rows(self, numeric: Collection[str]) -> SourceTable:
        """Reads them; there may be none. Columns in `numeric` are read as numbers.

        InvalidData for a file that ends early, parts whose types differ, and a side table that has two rows for one
        key; NotNumbers where a column of `numeric` holds other text.
        """
        spool, probability = Spool(self.wanted), None
        if isinstance(self.main, SyntheticOptions):
            data, probability = generate_clicks(self.main)
            batches: Batches = ((self.name, batch) for batch in data.to_batches())
        else:
            batches = _batches(self.main, self.kept, numeric)
        files = spool.write(_joined(batches, [_Join.of(side) for side in self.sides]))
        return SourceTable(spool, tuple(files.items()), self.joined, self.joined_by, probability)


@dataclass(frozen=True)
class _Side:
    """A side table, the column that joins it, and the columns that are taken from it."""

    table: TableFiles
    key: str
    taken: tuple[str, ...]


def _columns_of(table: TableFiles | SyntheticOptions, wanted: Collection[str] = ()) -> list[str]:
    """Columns of a table; every part must have the same. A libsvm file has every `index_I` that is wanted."""
    if isinstance(table, SyntheticOptions):
        return list(SyntheticOptions.COLUMNS)
    first = _columns_of_part(table, 0)
    if table.format == "libsvm":
        return [*first, *(name for name in wanted if INDEX_COLUMN.match(name))]
    if table.format == "jsonl":
        return first
    for index in range(1, len(table.files)):
        other = _columns_of_part(table, index)
        if other != first:
            raise InvalidData.at(
                table.part_name(index),
                f"its columns ({', '.join(other)}) differ from those of {table.part_name(0)} ({', '.join(first)})",
            )
    return first


def _columns_of_part(table: TableFiles, index: int) -> list[str]:
    path = table.files[index]
    match table.format:
        case "parquet":
            columns = parquet_columns(path)
        case "jsonl":
            columns = jsonl_columns(path)
        case "libsvm":
            columns = libsvm_columns(path)
        case "sequences":
            columns = list(SEQUENCE_COLUMNS)
        case "csv" | "tsv" | "recbole":
            columns = delimited_columns(table, path)
        case unknown:
            assert_never(unknown)
    return [*columns, *(name for name in table.partition(index) if name not in columns)]


def _batches(table: TableFiles, wanted: Collection[str], numeric: Collection[str]) -> Batches:
    for index, path in enumerate(table.files):
        partition = {name: value for name, value in table.partition(index).items() if name in wanted}
        inside = [name for name in wanted if name not in partition]
        match table.format:
            case "parquet":
                batches = read_parquet(path, inside)
            case "jsonl":
                batches = read_jsonl(path, inside, numeric)
            case "libsvm":
                batches = read_libsvm(path, inside)
            case "sequences":
                batches = read_sequences(path, inside)
            case "csv" | "tsv" | "recbole":
                batches = read_delimited(table, path, inside, numeric)
            case unknown:
                assert_never(unknown)
        for batch in batches:
            for name, value in partition.items():
                batch = batch.append_column(name, pa.array([value] * batch.num_rows).cast(DICTIONARY_TEXT))
            yield table.part_name(index), batch


def _key(side: TableFiles, columns: list[str], own: list[str]) -> str:
    key = side.on or columns[0]
    if key not in columns or key not in own:
        where = side.name if key not in columns else "the rows"
        raise InvalidData.at(
            f"{side.name}", f"is joined by the column {key!r}, which {where} lacks; the rows have: {', '.join(own)}"
        )
    return key


@dataclass(frozen=True)
class _Join:
    """A side table in memory, ready to be joined."""

    key: str
    taken: tuple[str, ...]
    values: CodedColumn
    row_of_value: NDArray[np.int64]
    """[distinct keys] the row of the side table."""
    columns: Mapping[str, pa.Array]

    @classmethod
    def of(cls, side: _Side) -> "_Join":
        key, taken = side.key, side.taken
        table = pa.Table.from_batches([batch for _, batch in _batches(side.table, {key, *taken}, ())])
        values = factorize(table[key])
        seen = np.bincount(values.codes, minlength=len(values.values))
        if seen.max(initial=0) > 1:
            twice = int(np.argmax(seen > 1))
            row = int(np.flatnonzero(values.codes == twice)[1])
            raise InvalidData.at(
                f"{side.table.name}, row {row + 1}, column {key}",
                f"the value {values.texts()[twice]!r} stands in two rows; a joined table has at most one row for a "
                "value",
            )
        row_of_value = np.empty(len(values.values), np.int64)
        row_of_value[values.codes] = np.arange(len(values.codes))
        columns = {name: table[name].unify_dictionaries().combine_chunks() for name in taken}
        return cls(key, taken, values, row_of_value, columns)

    def rows_for(self, batch: pa.RecordBatch) -> pa.Array:
        """[rows of the batch] row of the side table, null where it has none."""
        wanted = factorize(pa.chunked_array([batch.column(self.key)]))
        found = pc.index_in(wanted.values, value_set=self.values.values)
        return pc.take(pa.array(self.row_of_value), found).take(pa.array(wanted.codes))


def _joined(batches: Batches, joins: list[_Join]) -> Batches:
    for file, batch in batches:
        for join in joins:
            rows = join.rows_for(batch)
            for name in join.taken:
                batch = batch.append_column(name, join.columns[name].take(rows))
        yield file, batch
