"""Look-ups of keys in side tables and vector files: counts of rows and values with a partner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import MatchCount
from ctrlab_trainer.data.readers.key_differences import likely_difference

MIN_MATCHED_SHARE: Final = 0.5
"""A smaller share of rows with a partner is a warning."""
EXAMPLES: Final = 1000
"""Distinct keys without a partner that are kept to explain why they have none."""
COMPARED_VALUES: Final = 50_000
"""Values of a table that these are compared with."""


@dataclass(frozen=True)
class KeyLookup:
    """Result of looking up the keys of some rows in a table; a missing key has no partner."""

    rows: int
    missing_rows: int
    """Rows without a key."""
    matched_rows: int
    matched: NDArray[np.bool_]
    """[distinct values of the table] whether a row has the value."""
    unmatched: tuple[str, ...] = ()
    """The first distinct keys of the rows without a partner, at most EXAMPLES."""

    @classmethod
    def of(cls, keys: pa.Array, rows_of_key: NDArray[np.int64], positions: pa.Array, values: int) -> "KeyLookup":
        """Count the rows of distinct keys whose positions among the values of the table are given, null for none."""
        position = np.asarray(positions.fill_null(-1), np.int64)
        is_missing = np.asarray(pc.equal(keys, ""), bool)
        occurs = rows_of_key > 0
        matched = np.zeros(values, np.bool_)
        matched[position[occurs & (position >= 0)]] = True
        without = np.flatnonzero(occurs & (position < 0) & ~is_missing)[:EXAMPLES]
        return cls(
            rows=int(rows_of_key.sum()),
            missing_rows=int(rows_of_key[is_missing].sum()),
            matched_rows=int(rows_of_key[position >= 0].sum()),
            matched=matched,
            unmatched=tuple(keys.take(pa.array(without)).to_pylist()),
        )

    @classmethod
    def sum(cls, parts: Sequence["KeyLookup"]) -> "KeyLookup":
        """Add the counts of consecutive groups of rows; there is at least one."""
        unmatched = dict.fromkeys(key for part in parts for key in part.unmatched)
        return cls(
            rows=sum(part.rows for part in parts),
            missing_rows=sum(part.missing_rows for part in parts),
            matched_rows=sum(part.matched_rows for part in parts),
            matched=np.logical_or.reduce([part.matched for part in parts]),
            unmatched=tuple(unmatched)[:EXAMPLES],
        )


def sum_lookups(parts: Sequence[Sequence[KeyLookup]]) -> tuple[KeyLookup, ...]:
    """Add the counts of consecutive groups of rows for each table; the groups have the same tables."""
    return tuple(KeyLookup.sum(lookups) for lookups in zip(*parts, strict=True))


@dataclass(frozen=True)
class LookupColumns:
    """Where keys are looked up, for messages."""

    table: str
    key: str
    """Column of the table."""
    column: str
    """Column of the rows."""
    remedy: str
    """Advice, as a clause, for columns with different values."""


@dataclass(frozen=True)
class TableMatch:
    """Partners in one table, for records and readers."""

    record: MatchCount
    warnings: tuple[str, ...]


def table_match(columns: LookupColumns, lookup: KeyLookup, read_values: Callable[[], pa.Array]) -> TableMatch:
    """Return the record of a look-up of all rows, with a warning if few rows have a partner.

    `read_values` returns the distinct values of the table and is called only for a message. InvalidData if no row has
    a partner.
    """
    record = MatchCount(
        table=columns.table,
        column=columns.column,
        rows=lookup.rows,
        missing_rows=lookup.missing_rows,
        matched_rows=lookup.matched_rows,
        values=len(lookup.matched),
        matched_values=int(lookup.matched.sum()),
    )
    if record.rows == 0 or record.matched_rows >= MIN_MATCHED_SHARE * record.rows:
        return TableMatch(record, ())
    explanation = _explanation(columns, record, lookup.unmatched, read_values)
    if record.matched_rows == 0:
        raise InvalidData.at(
            f"{columns.table}, column {columns.key}", f"matches none of the {record.rows} rows: {explanation}"
        )
    return TableMatch(record, (f"few rows have a partner: {record.statement}; {explanation}",))


def _explanation(
    columns: LookupColumns, record: MatchCount, unmatched: Sequence[str], read_values: Callable[[], pa.Array]
) -> str:
    if not unmatched:
        return f"the column {columns.column} has no value in {record.missing_rows} rows"
    if record.values == 0:
        return f"the rows have {unmatched[0]!r} in column {columns.column}, and this column has no value in any row"
    values = read_values().slice(0, COMPARED_VALUES).to_pylist()
    difference = likely_difference(unmatched, values)
    if difference is None:
        return (
            f"the rows have {unmatched[0]!r} in column {columns.column}, and {columns.table} has {values[0]!r}; "
            f"{columns.remedy}"
        )
    return (
        f"the rows have {difference.in_rows!r} in column {columns.column}, and {columns.table} has "
        f"{difference.in_table!r}: {difference.reason}"
    )
