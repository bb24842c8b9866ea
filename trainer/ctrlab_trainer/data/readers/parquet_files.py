"""Reader of parquet files; columns keep their values and have the types of `arrow_types`."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import UnreadableType, UnreadableValue, simplify, widen_integers
from ctrlab_trainer.data.readers.byte_streams import error_reason
from ctrlab_trainer.data.readers.file_kinds import require_parquet

BATCH_ROWS: Final = 1 << 17


def parquet_columns(path: Path) -> list[str]:
    """Return the column names; InvalidData for a file without its end, which contains the schema."""
    try:
        require_parquet(path)
        names = list(pyarrow.parquet.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(
            path.name,
            f"is not a complete parquet file: {error_reason(error)}; wait until it is written, or copy it again",
        ) from error
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise InvalidData.at(
            path.name, f"the column {duplicate!r} appears twice; give each column a name of its own and write it again"
        )
    return names


def read_parquet(path: Path, required: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file; integers have 64 bits, whatever the width in the file.

    InvalidData for a damaged file, a column of a type that cannot be read, and bytes that are not UTF-8 text.
    """
    first = 1
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            included = [name for name in file.schema_arrow.names if name in required]
            for batch in file.iter_batches(BATCH_ROWS, columns=included):
                if included:
                    columns = [
                        widen_integers(simplify_column(batch.column(name), path.name, name, first)) for name in included
                    ]
                    batch = pa.record_batch(columns, names=included)
                yield batch
                first += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"cannot be read: {error_reason(error)}") from error


def simplify_column(values: pa.Array, file: str, name: str, first: int) -> pa.Array:
    """Return `simplify(values)`; InvalidData with file, row and column, where `first` is the row of the first value."""
    try:
        return simplify(values)
    except UnreadableType as error:
        raise InvalidData.at(f"{file}, column {name}", str(error)) from error
    except UnreadableValue as error:
        raise InvalidData.at(f"{file}, row {first + error.row}, column {name}", str(error)) from error
