"""An encoded data set before it is written to the store."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.prepared_data import TimeFormat
from ctrlab_trainer.data.encoders.encoder_protocol import FittedLists
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.readers.table_matches import TableMatch
from ctrlab_trainer.data.times.row_times import Timestamps


@dataclass(frozen=True)
class EncodedDataset:
    """An encoded data set, ready to be written."""

    schema: EncodedSchema
    fitted: dict[str, dict[str, object]]
    """Encodings fitted on train, by feature: values in order of their ids, statistics, or bucket edges."""
    splits: tuple[EncodedSplit, EncodedSplit, EncodedSplit]
    """Train, validation, test; mapped from their files."""
    true_probability: tuple[NDArray[np.float64], ...] | None
    """[rows] per split, if a generator made the data."""
    source_rows: int
    """Number of rows in the source."""
    lists: tuple[FittedLists, ...]
    """Facts about the lists of features that read lists, in the order of fitting."""
    times: Timestamps | None
    """[source rows] time of each row, if the source has times."""
    user_spellings: str | None = None
    """Warning about users in several spellings, if the user is no feature."""
    time_format: TimeFormat | None = None
    """Format of the times."""
    matches: tuple[TableMatch, ...] = ()
    """Counts of rows with a partner in side tables and files of vectors."""
