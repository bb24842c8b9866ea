"""Reads the columns that a data set asks for out of its tables, and joins side tables to the rows."""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ctrlab_contract.errors import InvalidData, Problem
from ctrlab_trainer.data.delimited import column_names, read_delimited
from ctrlab_trainer.data.sources import Located, TableFiles
from ctrlab_trainer.data.synthetic import SyntheticOptions, generate
from ctrlab_trainer.data.tables import SourceTable, categories


def known_columns(located: Located) -> tuple[str, ...]:
    """Every column that a data set may name, those of side tables after the rows' own."""
    tables = [_columns_of(located.main), *(_columns_of(side) for side in located.sides)]
    return tuple(dict.fromkeys(name for columns in tables for name in columns))


def read(located: Located, wanted: Mapping[str, str]) -> SourceTable:
    """The wanted columns (name -> the field of the specification that asks for it), row by row.

    A column that both the rows and a side table have is taken from the rows. Raises InvalidData for an absent file or
    column, a file that ends early or holds no rows, and a side table that has two rows for one key.
    """
    own = _columns_of(located.main)
    sides = [(side, _columns_of(side)) for side in located.sides]
    known = known_columns(located)
    absent = [
        Problem(field, f"{located.name} has no column {name!r}; known: {', '.join(known)}")
        for name, field in wanted.items()
        if name not in known
    ]
    if absent:
        raise InvalidData(absent)
    keys = [_key(side, columns, own) for side, columns in sides]
    probability = None
    if isinstance(located.main, SyntheticOptions):
        data, probability = generate(located.main)
        files: tuple[tuple[str, int], ...] = ((located.name, data.num_rows),)
    else:
        data, files = _read_table(located.main, {*wanted, *keys} & set(own))
    if data.num_rows == 0:
        raise InvalidData.at(located.name, "holds no rows")
    joined: dict[str, str] = {}
    for (side, columns), key in zip(sides, keys, strict=True):
        taken = [name for name in columns if name in wanted and name not in own and name not in joined]
        if taken:
            data = _join(data, side, key, taken)
            joined |= dict.fromkeys(taken, side.name)
    return SourceTable(data.select([name for name in wanted]), files, joined, probability)


def _columns_of(table: TableFiles | SyntheticOptions) -> list[str]:
    """Columns of a table; every part must have the same."""
    if isinstance(table, SyntheticOptions):
        return list(SyntheticOptions.COLUMNS)
    first = _columns_of_part(table, 0)
    for index in range(1, len(table.files)):
        other = _columns_of_part(table, index)
        if other != first:
            raise InvalidData.at(
                table.files[index].name,
                f"its columns ({', '.join(other)}) differ from those of {table.files[0].name} ({', '.join(first)})",
            )
    return first


def _columns_of_part(table: TableFiles, index: int) -> list[str]:
    path = table.files[index]
    if table.format != "parquet":
        return column_names(table, path)
    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"is not a complete parquet file: {str(error).splitlines()[0]}") from error


def _read_table(table: TableFiles, wanted: Collection[str]) -> tuple[pa.Table, tuple[tuple[str, int], ...]]:
    parts = []
    for path in table.files:
        if table.format != "parquet":
            parts.append(read_delimited(table, path, wanted))
            continue
        try:
            parts.append(pyarrow.parquet.ParquetFile(path).read(columns=sorted(wanted)))
        except (OSError, pa.ArrowException) as error:
            raise InvalidData.at(path.name, f"cannot be read: {str(error).splitlines()[0]}") from error
    files = tuple((path.name, part.num_rows) for path, part in zip(table.files, parts, strict=True))
    try:
        return pa.concat_tables(parts), files
    except pa.ArrowInvalid as error:
        raise InvalidData.at(table.name, f"its parts differ in the type of a column: {error}") from error


def _key(side: TableFiles, columns: list[str], own: list[str]) -> str:
    key = side.on or columns[0]
    if key not in columns or key not in own:
        where = side.name if key not in columns else "the rows"
        raise InvalidData.at(
            f"{side.name}", f"is joined by the column {key!r}, which {where} lacks; the rows have: {', '.join(own)}"
        )
    return key


def _join(rows: pa.Table, side: TableFiles, key: str, taken: list[str]) -> pa.Table:
    table, _ = _read_table(side, {key, *taken})
    values = categories(table[key])
    seen = np.bincount(values.codes, minlength=len(values.values))
    if seen.max(initial=0) > 1:
        twice = int(np.argmax(seen > 1))
        row = int(np.flatnonzero(values.codes == twice)[1])
        raise InvalidData.at(
            f"{side.name}, row {row + 1}, column {key}",
            f"the value {values.texts()[twice]!r} stands in two rows; a joined table has at most one row for a value",
        )
    wanted = categories(rows[key])
    side_row = np.empty(len(values.values), np.int64)
    side_row[values.codes] = np.arange(len(values.codes))
    found = pc.index_in(wanted.values, value_set=values.values)
    positions = pc.take(pa.array(side_row), found).take(pa.array(wanted.codes))
    for name in taken:
        rows = rows.append_column(name, table[name].unify_dictionaries().combine_chunks().take(positions))
    return rows
