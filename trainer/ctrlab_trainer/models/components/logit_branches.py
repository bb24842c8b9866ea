"""The branches of a logit; an ablation may remove some of them."""

from torch import Tensor, nn


def apply_branch(module: nn.Module | None, x: object) -> Tensor | None:
    """Return the output of a part, or None if the part is removed."""
    if module is None:
        return None
    y: Tensor = module(x)
    return y


def sum_branches(*branches: Tensor | None) -> Tensor:
    """Return the sum of the remaining branches, at least one."""
    first, *others = [branch for branch in branches if branch is not None]
    for other in others:
        first = first + other
    return first
