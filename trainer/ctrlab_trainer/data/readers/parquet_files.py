"""Reader of parquet files; columns keep their types."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.byte_streams import error_reason

BATCH_ROWS: Final = 1 << 17


def parquet_columns(path: Path) -> list[str]:
    """Return the column names; InvalidData for a file without its end, which contains the schema."""
    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(
            path.name,
            f"is not a complete parquet file: {error_reason(error)}; wait until it is written, or copy it again",
        ) from error


def read_parquet(path: Path, required: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            included = [name for name in file.schema_arrow.names if name in required]
            yield from file.iter_batches(BATCH_ROWS, columns=included)
    except (OSError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"cannot be read: {error_reason(error)}") from error
