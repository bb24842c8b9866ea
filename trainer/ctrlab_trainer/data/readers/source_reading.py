"""Reading of the required columns of a source into a spool, with side tables joined to the rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

import pyarrow as pa

from ctrlab_api.errors import InvalidData, Problem
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT
from ctrlab_trainer.data.readers.column_spool import Spool, require_one_type
from ctrlab_trainer.data.readers.delimited_files import (
    NonNumericColumn,
    delimited_columns,
    read_delimited,
    separator_hint,
)
from ctrlab_trainer.data.readers.jsonl_files import jsonl_columns, read_jsonl
from ctrlab_trainer.data.readers.libsvm_files import INDEX_COLUMN, libsvm_columns, read_libsvm
from ctrlab_trainer.data.readers.missing_texts import without_missing_texts
from ctrlab_trainer.data.readers.parquet_files import parquet_columns, read_parquet
from ctrlab_trainer.data.readers.sequence_files import SEQUENCE_COLUMNS, read_sequences
from ctrlab_trainer.data.readers.side_table_joins import Batches, Join, SideTable, join_all
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.readers.table_matches import KeyLookup, LookupColumns, TableMatch, table_match
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles
from ctrlab_trainer.data.sources.synthetic_clicks import SyntheticOptions, generate_clicks

OTHER_COLUMN: Final = "write the same values in both, or join by another column (joinOn)"


def available_columns(located: LocatedSource) -> tuple[str, ...]:
    """Return every column that a data set may use: those of the main table, then those of side tables."""
    tables = [_columns_of(located.main), *(_columns_of(side) for side in located.sides)]
    return tuple(dict.fromkeys(name for columns in tables for name in columns))


def read_source(
    located: LocatedSource,
    required: Mapping[str, str],
    numeric: Collection[str] = (),
    missing: frozenset[str] = DEFAULT_MISSING,
) -> SourceTable:
    """Read the required columns (name -> the field of the specification that requires it) into a spool on disk.

    Columns in `numeric` are needed only as numbers; `missing` are the texts of missing values. Raises InvalidData as
    `SourceReader` does, for a source without rows, and for a side table that matches no row.
    """
    reader = SourceReader.of(located, required, missing)
    try:
        table = reader.rows(numeric)
    except NonNumericColumn:
        table = reader.rows(())
    if table.rows == 0:
        raise InvalidData.at(located.name, "has no rows")
    return replace(table, matches=reader.check_matches(table.lookups))


@dataclass(frozen=True)
class SourceReader:
    """Columns to read from each table, decided before the first row is read. Picklable, for other processes."""

    main: TableFiles | SyntheticOptions
    name: str
    required: tuple[str, ...]
    main_columns: frozenset[str]
    """Columns that are read from the main table."""
    sides: tuple["_Side", ...]
    missing: frozenset[str]
    """Texts of missing values."""

    @classmethod
    def of(
        cls, located: LocatedSource, required: Mapping[str, str], missing: frozenset[str] = DEFAULT_MISSING
    ) -> "SourceReader":
        """Decide which columns to read; a column of both main and side table is read from the main table.

        InvalidData for an absent file or column, and for files whose columns differ from the first.
        """
        main_columns = _columns_of(located.main, required)
        sides = [(side, _columns_of(side)) for side in located.sides]
        available = dict.fromkeys([*main_columns, *available_columns(located)])
        hint = separator_hint(located.main, main_columns) if isinstance(located.main, TableFiles) else ""
        absent = [
            Problem(field, f"{located.name} has no column {name!r}; known: {', '.join(available)}{hint}")
            for name, field in required.items()
            if name not in available
        ]
        if absent:
            raise InvalidData(absent)
        used: list[_Side] = []
        for side, columns in sides:
            key = _join_column(side, columns, main_columns, located)
            already_read = {*main_columns, *(name for other in used for name in other.columns)}
            side_columns = tuple(name for name in columns if name in required and name not in already_read)
            if side_columns:
                used.append(_Side(side, key, side_columns))
        read_from_main = {*required, *(side.key for side in used)} & set(main_columns)
        return cls(located.main, located.name, tuple(required), frozenset(read_from_main), tuple(used), missing)

    @property
    def by_file(self) -> list["SourceReader"]:
        """Readers of the single files of the main table, in order."""
        assert isinstance(self.main, TableFiles)
        return [replace(self, main=replace(self.main, files=(file,))) for file in self.main.files]

    @property
    def joined(self) -> dict[str, str]:
        """Columns from a side table -> name of the table."""
        return {name: side.table.name for side in self.sides for name in side.columns}

    @property
    def joined_by(self) -> dict[str, str]:
        """The same columns -> join column of the table."""
        return {name: side.key for side in self.sides for name in side.columns}

    @property
    def decimal_commas(self) -> frozenset[str]:
        """Columns whose numbers have a decimal comma."""
        tables = [(self.main, self.main_columns), *((side.table, frozenset(side.columns)) for side in self.sides)]
        return frozenset(
            name
            for table, columns in tables
            if isinstance(table, TableFiles) and table.syntax.decimal == ","
            for name in columns
        )

    def rows(self, numeric: Collection[str]) -> SourceTable:
        """Read all rows, possibly none. Columns in `numeric` are read as numbers.

        InvalidData for a truncated file, files whose types differ, and a side table with two rows for one key;
        NonNumericColumn if a column of `numeric` has other text.
        """
        numeric = frozenset(numeric).difference(side.key for side in self.sides)
        spool, probability = Spool(self.required), None
        if isinstance(self.main, SyntheticOptions):
            data, probability = generate_clicks(self.main, self.required)
            batches: Batches = ((self.name, batch) for batch in data.to_batches())
        else:
            batches = _batches(self.main, self.main_columns, numeric, self.missing)
        joins = [Join(side.read(self.missing)) for side in self.sides]
        files = spool.write(join_all(batches, joins))
        return SourceTable(
            spool,
            tuple(files.items()),
            self.joined,
            self.joined_by,
            lookups=tuple(join.lookup for join in joins),
            true_probability=probability,
            missing=self.missing,
            decimal_commas=self.decimal_commas,
        )

    def check_matches(self, lookups: Sequence[KeyLookup]) -> dict[TableFiles, TableMatch]:
        """Return the counts of all rows by side table, with warnings; InvalidData for a table that matches no row."""
        matches = {}
        for side, lookup in zip(self.sides, lookups, strict=True):

            def read_values(side: _Side = side) -> pa.Array:
                return side.read(self.missing).values

            columns = LookupColumns(side.table.name, side.key, side.key, OTHER_COLUMN)
            matches[side.table] = table_match(columns, lookup, read_values)
        return matches

    def first_rows(self, limit: int) -> SourceTable:
        """Read at least `limit` rows from the start of the source, or all if it has fewer."""
        spool = Spool(self.required)
        batches = join_all(self._batches(()), [Join(side.read(self.missing)) for side in self.sides])
        files = spool.write(_up_to(limit, batches))
        return SourceTable(
            spool,
            tuple(files.items()),
            self.joined,
            self.joined_by,
            missing=self.missing,
            decimal_commas=self.decimal_commas,
        )

    def _batches(self, numeric: Collection[str]) -> Batches:
        if isinstance(self.main, SyntheticOptions):
            return ((self.name, batch) for batch in generate_clicks(self.main)[0].to_batches())
        return _batches(self.main, self.main_columns, numeric, self.missing)


def _up_to(limit: int, batches: Batches) -> Batches:
    """Yield batches until they have `limit` rows together."""
    rows = 0
    for file, batch in batches:
        yield file, batch
        rows += batch.num_rows
        if rows >= limit:
            return


@dataclass(frozen=True)
class _Side:
    """A side table, its join column, and the columns read from it."""

    table: TableFiles
    key: str
    columns: tuple[str, ...]

    def read(self, missing: frozenset[str]) -> SideTable:
        """Read the table into memory; InvalidData for files whose types differ, and as `SideTable.of`."""
        batches: list[pa.RecordBatch] = []
        names = [self.key, *(name for name in self.columns if name != self.key)]
        first_file = ""
        for file, batch in _batches(self.table, set(names), (), missing):
            first_file = first_file or file
            batches.append(batch.select(names))
            for name in names:
                require_one_type(file, name, batch.column(name).type, first_file, batches[0].column(name).type)
        if not batches:
            raise InvalidData.at(self.table.name, "has no rows")
        return SideTable.of(self.table.name, self.key, pa.Table.from_batches(batches), self.columns)


def _columns_of(table: TableFiles | SyntheticOptions, required: Collection[str] = ()) -> list[str]:
    """Return the columns of a table, the same for all files. A libsvm file has every `index_I` that is required."""
    if isinstance(table, SyntheticOptions):
        return list(SyntheticOptions.COLUMNS)
    first = _columns_of_file(table, 0)
    if table.format == "libsvm":
        return [*first, *(name for name in required if INDEX_COLUMN.match(name))]
    if table.format == "jsonl":
        return first
    for index in range(1, len(table.files)):
        other = _columns_of_file(table, index)
        if other != first:
            raise InvalidData.at(
                table.file_name(index),
                f"its columns ({', '.join(other)}) differ from those of {table.file_name(0)} ({', '.join(first)})",
            )
    return first


def _columns_of_file(table: TableFiles, index: int) -> list[str]:
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


def _batches(
    table: TableFiles, required: Collection[str], numeric: Collection[str], missing: frozenset[str]
) -> Batches:
    for index, path in enumerate(table.files):
        partition = {name: value for name, value in table.partition(index).items() if name in required}
        in_file = [name for name in required if name not in partition]
        match table.format:
            case "parquet":
                batches = read_parquet(path, in_file)
            case "jsonl":
                batches = read_jsonl(path, in_file, numeric)
            case "libsvm":
                batches = read_libsvm(path, in_file)
            case "sequences":
                batches = read_sequences(path, in_file)
            case "csv" | "tsv" | "recbole":
                batches = read_delimited(table, path, in_file, numeric, missing)
            case unknown:
                assert_never(unknown)
        for batch in batches:
            for name, value in partition.items():
                batch = batch.append_column(name, pa.array([value] * batch.num_rows).cast(DICTIONARY_TEXT))
            yield table.file_name(index), without_missing_texts(batch, missing)


def _join_column(side: TableFiles, columns: list[str], main_columns: list[str], located: LocatedSource) -> str:
    """Return the column of main and side table that joins them; InvalidData if one of them does not have it."""
    key = side.on or columns[0]
    if key in columns and key in main_columns:
        return key
    where = side.name if key not in columns else "the main table"
    others = [other.name for other in located.sides if other != side and key in columns and key in _columns_of(other)]
    remedy = (
        f"; {others[0]} has it, but tables are joined to the main table only: add the column to it" if others else ""
    )
    raise InvalidData.at(
        side.name,
        f"is joined by the column {key!r}, which {where} does not have; columns of the main table: "
        f"{', '.join(main_columns)}{remedy or separator_hint(side, columns)}",
    )
