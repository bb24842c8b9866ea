"""Check that a column has one value per row where lists have no meaning."""

from typing import Final

import pyarrow as pa

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.source_tables import SourceTable

FEATURE_REMEDY: Final = (
    "a Categorical or Numeric feature has one value per row; use type MultiCategorical for ids, Vector with a width "
    "for numbers, or History with `stored` for past events"
)
KEY_REMEDY: Final = "labels, users, groups, times, splits and items are one value per row; write such a column"


def require_single_values(rows: SourceTable, column: str, remedy: str = FEATURE_REMEDY) -> None:
    """Raise InvalidData for a column of lists."""
    kind = rows.data[column].type
    if pa.types.is_nested(kind) and not pa.types.is_dictionary(kind):
        raise InvalidData.at(f"{rows.files[0][0]}, column {column}", f"has the type {kind}; {remedy}")
