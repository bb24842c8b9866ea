"""Protocol of encoders: fit on train rows in any chunks, then encode any rows as ids or numbers.

A state is a summary of rows that merges to the same bits in any order and grouping. One machine that observes a column
chunk by chunk and many machines that each observe some of the rows therefore write the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.prepared_data import ListLengths
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.readers.table_matches import TableMatch

EncodedValues = NDArray[np.int32] | NDArray[np.float32] | NDArray[np.void]
EncodingKind = Literal["categorical", "numeric", "multicategorical", "history", "vector"]


@dataclass(frozen=True)
class FittedLists:
    """Facts about the lists of a feature for records and readers."""

    record: ListLengths
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FittedEncoding:
    """Result of fitting one feature on train; subclasses add what they need to encode."""

    kind: EncodingKind
    """Type of the encoded column: one id, one number, several ids, several numbers, or the events of a stored history
    per row."""
    size: int
    """Rows of its block in the fused table: ids including the out-of-vocabulary id; 1 for a number, 0 for a vector."""
    length: int
    """Ids per row; 1 unless the kind is multicategorical or history. Width of a vector."""
    record: dict[str, object]
    """JSON that maps ids back to values, for people and programs."""
    lists: FittedLists | None = field(default=None, kw_only=True)
    """Present if the feature reads lists."""
    match: TableMatch | None = field(default=None, kw_only=True)
    """Present if the feature has pre-trained vectors."""


StateT = TypeVar("StateT")
FittedT = TypeVar("FittedT", bound=FittedEncoding)


class FeatureEncoder(Protocol[StateT, FittedT]):
    """Encoder of one feature; immutable, and picklable for other processes."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns that it reads."""

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> StateT:
        """Return a summary of the train rows among `rows`; `in_train` is [rows]."""

    def merge(self, states: Sequence[StateT]) -> StateT:
        """Merge summaries; there is at least one state."""

    def fit(self, state: StateT) -> FittedT:
        """Fit on the state of all train rows; InvalidData if train has too few values."""

    def encode(self, rows: SourceTable, fitted: FittedT) -> EncodedValues:
        """Return ids within the block, int32 [rows] or [rows, length] (0 out-of-vocabulary, -1 padding), or float32
        [rows]."""
