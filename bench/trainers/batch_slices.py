"""The next batches of an endless loader, for trainers that process a loader to its end."""

import itertools
from collections.abc import Iterator
from typing import Any


class BatchSlice:
    """The next few batches."""

    shuffle = False
    """RecBole reads it; the underlying loader shuffles."""

    def __init__(self, batches: Iterator[Any], count: int) -> None:
        self.batches, self.count = batches, count

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(self.batches, self.count)

    def __len__(self) -> int:
        return self.count
