"""Random seeds: one root seed per run, from which the seeds of all purposes and names are derived.

Each purpose has its own random stream, so that drawing more numbers for one (another dropout layer) does not shift
another (the order of rows). Within a purpose, each parameter, each feature's rows of a table and each dropout layer has
its own stream, keyed by its name: removing a part or a feature leaves all others with bit-equal initial weights.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

SEED_BITS = 53
"""Seeds of 53 bits stay exact in every JSON reader, including those that parse numbers as doubles."""


@dataclass(frozen=True)
class PurposeSeeds:
    """The root seed of a run and the seeds derived from it."""

    root: int
    init: int
    """Initial weights."""
    order: int
    """Order of the training rows in every epoch."""
    dropout: int
    negatives: int
    """Negatives sampled during training."""

    @classmethod
    def from_root(cls, root: int) -> Self:
        """Derive the four seeds of a root seed (at least 0), by `numpy.random.SeedSequence.spawn`."""
        init, order, dropout, negatives = (_seed_of(child) for child in np.random.SeedSequence(root).spawn(4))
        return cls(root, init, order, dropout, negatives)

    def purposes(self) -> dict[str, int]:
        """Return the derived seed of each purpose, as the run record lists them."""
        return {name: seed for name, seed in asdict(self).items() if name != "root"}


def stream_seed(seed: int, name: str) -> int:
    """Return the seed of the named stream below `seed`: equal for equal names, independent for different ones."""
    key = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4")
    return _seed_of(np.random.SeedSequence(seed, spawn_key=tuple(int(word) for word in key)))


def _seed_of(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(64 - SEED_BITS))
