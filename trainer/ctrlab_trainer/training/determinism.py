"""Deterministic computation with torch, and a record of the operations that have no deterministic implementation."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.utils import deterministic as torch_settings

WARNING_TEXT = "does not have a deterministic implementation"
"""Part of torch's warning about such an operation."""


@dataclass
class Determinism:
    """The degree of determinism achieved; complete when the context that yields it has ended."""

    operations: list[str] = field(default_factory=list)
    """Torch's warnings about operations without a deterministic implementation, each once."""

    @property
    def achieved(self) -> bool:
        """Whether every operation was deterministic."""
        return not self.operations

    def joined(self, other: "Determinism") -> "Determinism":
        """Return the determinism of two pieces of work, both complete."""
        return Determinism(list(dict.fromkeys([*self.operations, *other.operations])))


@contextmanager
def deterministic() -> Iterator[Determinism]:
    """Compute deterministically inside; an operation that cannot is not refused, but listed in the yielded object."""
    determinism = Determinism()
    enabled, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    fill = torch_settings.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Every buffer here is written before it is read; filling it first would cost time.
    torch_settings.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield determinism
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch_settings.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        _collect_operations(caught, determinism)


def _collect_operations(caught: list[warnings.WarningMessage], determinism: Determinism) -> None:
    """Keep torch's warnings about nondeterministic operations, each once, and issue every other warning again."""
    for warning in caught:
        message = str(warning.message)
        if WARNING_TEXT not in message:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif (operation := message.split(WARNING_TEXT)[0].strip()) not in determinism.operations:
            determinism.operations.append(operation)
