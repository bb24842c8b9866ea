"""The branches of a logit, of which an ablation may have removed some."""

from torch import Tensor, nn


def apply_branch(module: nn.Module | None, x: object) -> Tensor | None:
    """What the module makes of x, or None where the part is removed."""
    if module is None:
        return None
    y: Tensor = module(x)
    return y


def sum_branches(*branches: Tensor | None) -> Tensor:
    """The sum of the branches that are left, at least one."""
    first, *others = [found for found in branches if found is not None]
    for other in others:
        first = first + other
    return first
