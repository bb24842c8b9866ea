"""What every kind of feature offers: learn from train rows in any pieces, then turn any rows into ids or numbers.

A state is a summary that merges in any order and grouping to the same bits. So one machine may look at a column run by
run, many machines may look at a part of the rows each, and both write the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.readers.source_tables import SourceTable

EncodedValues = NDArray[np.int32] | NDArray[np.float32]
EncodingKind = Literal["categorical", "numeric", "multicategorical"]


@dataclass(frozen=True)
class FittedEncoding:
    """What train determined of one feature; kinds add what they need to encode."""

    kind: EncodingKind
    """What the encoded column is: one id, one number, or several ids a row."""
    size: int
    """Rows of its block in the fused table: ids with the out-of-vocabulary one; 1 for a number."""
    length: int
    """Ids a row; 1 unless the kind is multicategorical."""
    record: dict[str, object]
    """What a person or a program needs to read ids back as values, as JSON."""


StateT = TypeVar("StateT")
FittedT = TypeVar("FittedT", bound=FittedEncoding)


class FeatureEncoder(Protocol[StateT, FittedT]):
    """One feature of the specification; immutable, and picklable so that other processes can use it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns that it reads."""

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> StateT:
        """A summary of the train rows among some rows; `in_train` is [rows]."""

    def merge(self, states: Sequence[StateT]) -> StateT:
        """One summary of all rows that the states are of; there is at least one state."""

    def fit(self, state: StateT) -> FittedT:
        """What train determines; InvalidData where train holds too little."""

    def encode(self, rows: SourceTable, fitted: FittedT) -> EncodedValues:
        """Ids within the block, int32 [rows] or [rows, length] (0 out-of-vocabulary, -1 padding), or float32 [rows]."""
