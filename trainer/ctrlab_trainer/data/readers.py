"""Reads the columns that a data set asks for out of its tables into a spool, and joins side tables to the rows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_contract.errors import InvalidData, Problem
from ctrlab_trainer.data.delimited import TEXT, NotNumbers, column_names, read_delimited
from ctrlab_trainer.data.jsonl import jsonl_columns, read_jsonl
from ctrlab_trainer.data.libsvm import VALUE_AT, libsvm_columns, read_libsvm
from ctrlab_trainer.data.parquet import parquet_columns, read_parquet
from ctrlab_trainer.data.sequences import COLUMNS, read_sequences
from ctrlab_trainer.data.sources import Located, TableFiles
from ctrlab_trainer.data.spool import Spool
from ctrlab_trainer.data.synthetic import SyntheticOptions, generate
from ctrlab_trainer.data.tables import Categories, SourceTable, categories

Batches = Iterator[tuple[str, pa.RecordBatch]]
"""Batches of rows, each with the name of the file that it is from."""


def known_columns(located: Located) -> tuple[str, ...]:
    """Every column that a data set may name, those of side tables after the rows' own."""
    tables = [_columns_of(located.main), *(_columns_of(side) for side in located.sides)]
    return tuple(dict.fromkeys(name for columns in tables for name in columns))


def read(located: Located, wanted: Mapping[str, str], numeric: Collection[str] = ()) -> SourceTable:
    """The wanted columns (name -> the field of the specification that asks for it), row by row, on the disk.

    Columns in `numeric` are wanted as numbers alone. A column that both the rows and a side table have is taken from
    the rows. Raises InvalidData for an absent file or column, a file that ends early or holds no rows, parts that
    differ, and a side table that has two rows for one key.
    """
    own = _columns_of(located.main, wanted)
    sides = [(side, _columns_of(side)) for side in located.sides]
    known = dict.fromkeys([*own, *known_columns(located)])
    absent = [
        Problem(field, f"{located.name} has no column {name!r}; known: {', '.join(known)}")
        for name, field in wanted.items()
        if name not in known
    ]
    if absent:
        raise InvalidData(absent)
    joins: list[_Join] = []
    for side, columns in sides:
        key = _key(side, columns, own)
        before = {name for join in joins for name in join.taken}
        taken = tuple(name for name in columns if name in wanted and name not in own and name not in before)
        if taken:
            joins.append(_Join.of(side, key, taken))
    spool = Spool(list(wanted))
    probability = None
    if isinstance(located.main, SyntheticOptions):
        data, probability = generate(located.main)
        files = spool.write(_joined(((located.name, batch) for batch in data.to_batches()), joins))
    else:
        kept = {*wanted, *(join.key for join in joins)} & set(own)
        try:
            files = spool.write(_joined(_batches(located.main, kept, numeric), joins))
        except NotNumbers:
            spool = Spool(list(wanted))
            files = spool.write(_joined(_batches(located.main, kept, ()), joins))
    if spool.num_rows == 0:
        raise InvalidData.at(located.name, "holds no rows")
    joined = {name: join.side for join in joins for name in join.taken}
    joined_by = {name: join.key for join in joins for name in join.taken}
    return SourceTable(spool, tuple(files.items()), joined, joined_by, probability)


def _columns_of(table: TableFiles | SyntheticOptions, wanted: Collection[str] = ()) -> list[str]:
    """Columns of a table; every part must have the same. A libsvm file has every `index_I` that is wanted."""
    if isinstance(table, SyntheticOptions):
        return list(SyntheticOptions.COLUMNS)
    first = _columns_of_part(table, 0)
    if table.format == "libsvm":
        return [*first, *(name for name in wanted if VALUE_AT.match(name))]
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
            columns = list(COLUMNS)
        case "csv" | "tsv" | "recbole":
            columns = column_names(table, path)
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
                batch = batch.append_column(name, pa.array([value] * batch.num_rows).cast(TEXT))
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

    side: str
    key: str
    taken: tuple[str, ...]
    values: Categories
    row_of_value: NDArray[np.int64]
    """[distinct keys] the row of the side table."""
    columns: Mapping[str, pa.Array]

    @classmethod
    def of(cls, side: TableFiles, key: str, taken: tuple[str, ...]) -> "_Join":
        table = pa.Table.from_batches([batch for _, batch in _batches(side, {key, *taken}, ())])
        values = categories(table[key])
        seen = np.bincount(values.codes, minlength=len(values.values))
        if seen.max(initial=0) > 1:
            twice = int(np.argmax(seen > 1))
            row = int(np.flatnonzero(values.codes == twice)[1])
            raise InvalidData.at(
                f"{side.name}, row {row + 1}, column {key}",
                f"the value {values.texts()[twice]!r} stands in two rows; a joined table has at most one row for a "
                "value",
            )
        row_of_value = np.empty(len(values.values), np.int64)
        row_of_value[values.codes] = np.arange(len(values.codes))
        columns = {name: table[name].unify_dictionaries().combine_chunks() for name in taken}
        return cls(side.name, key, taken, values, row_of_value, columns)

    def rows_for(self, batch: pa.RecordBatch) -> pa.Array:
        """[rows of the batch] row of the side table, null where it has none."""
        wanted = categories(pa.chunked_array([batch.column(self.key)]))
        found = pc.index_in(wanted.values, value_set=self.values.values)
        return pc.take(pa.array(self.row_of_value), found).take(pa.array(wanted.codes))


def _joined(batches: Batches, joins: list[_Join]) -> Batches:
    for file, batch in batches:
        for join in joins:
            rows = join.rows_for(batch)
            for name in join.taken:
                batch = batch.append_column(name, join.columns[name].take(rows))
        yield file, batch
