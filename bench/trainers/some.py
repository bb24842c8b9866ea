"""The first batches of an endless loader, for trainers that take a loader and run to its end."""

import itertools
from collections.abc import Iterator
from typing import Any


class Some:
    """The next few batches."""

    shuffle = False
    """RecBole asks; the loader behind has shuffled."""

    def __init__(self, batches: Iterator[Any], count: int) -> None:
        self.batches, self.count = batches, count

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(self.batches, self.count)

    def __len__(self) -> int:
        return self.count
