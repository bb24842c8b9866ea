"""Parquet files as batches, their columns with the types that they have."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.decompression import error_reason

BATCH_ROWS: Final = 1 << 17


def parquet_columns(path: Path) -> list[str]:
    """Names of the columns; InvalidData for a file without its end, which holds the schema."""
    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(
            path.name,
            f"is not a complete parquet file: {error_reason(error)}; wait until it is written, or copy it again",
        ) from error


def read_parquet(path: Path, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    """The wanted columns of one file; text with each distinct value once a batch."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            kept = [name for name in file.schema_arrow.names if name in wanted]
            yield from file.iter_batches(BATCH_ROWS, columns=kept)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"cannot be read: {error_reason(error)}") from error
