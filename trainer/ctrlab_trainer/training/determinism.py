"""Asks torch for deterministic operations, and records whether every operation obeyed."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.utils import deterministic as switches

MARK = "does not have a deterministic implementation"


@dataclass
class Determinism:
    """What was achieved; complete when the context that made it has ended."""

    operations: list[str] = field(default_factory=list)
    """Warnings of torch about operations without a deterministic implementation, each once."""

    @property
    def achieved(self) -> bool:
        """Whether no operation was left to chance."""
        return not self.operations

    def joined(self, other: "Determinism") -> "Determinism":
        """Of two pieces of work, both complete."""
        return Determinism(list(dict.fromkeys([*self.operations, *other.operations])))


@contextmanager
def deterministic() -> Iterator[Determinism]:
    """Computes deterministically inside; an operation that cannot is named in what the context yields, not refused."""
    found = Determinism()
    enabled, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filling = switches.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Every buffer here is written before it is read; filling it first would cost time.
    switches.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield found
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        switches.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
        _sort(caught, found)


def _sort(caught: list[warnings.WarningMessage], found: Determinism) -> None:
    """Keeps torch's notices about chance, once each, and issues every other warning after all."""
    for warning in caught:
        message = str(warning.message)
        if MARK not in message:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif (operation := message.split(MARK)[0].strip()) not in found.operations:
            found.operations.append(operation)
