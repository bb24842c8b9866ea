"""`searchSpace: Default`: what is worth tuning of each architecture, chosen to be searched well in 20 to 50 trials.

Few parameters, those that BARS and the papers' own ablations find to matter most, with ranges around the defaults. An
architecture that is not listed in EXCEPTIONS is searched in those parameters of RANGES that it declares, so a new one
has a default search as soon as it exists.
"""

from typing import Any

from ctrlab_api.architectures.base_architecture import Architecture
from ctrlab_api.resources.search_dimensions import SearchDimension

RANGES: dict[str, dict[str, Any]] = {
    "learning_rate": {"float": {"low": "3e-4", "high": "1e-2", "log": True}},
    "embedding_dim": {"categorical": ["8", "16", "32"]},
    "embedding_l2": {"float": {"low": "1e-6", "high": "3e-2", "log": True}},
    "hidden_units": {"categorical": ["64,32", "128,64", "256,128", "400,400"]},
    "dropout": {"float": {"low": "0", "high": "0.5", "step": "0.1"}},
    "cross_layers": {"int": {"low": 1, "high": 4}},
    "cin_units": {"categorical": ["32", "64", "64,64"]},
    "attention_units": {"categorical": ["32,16", "64,32", "80,40"]},
    "transformer_layers": {"int": {"low": 1, "high": 2}},
}
"""By parameter, for every architecture that declares it."""

EXCEPTIONS: dict[str, dict[str, dict[str, Any] | None]] = {
    # One weight for each value: there is no width to choose, and larger steps are stable.
    "lr": {"embedding_dim": None, "learning_rate": {"float": {"low": "3e-4", "high": "3e-2", "log": True}}},
    # Two more parameters would leave too few trials for each; its transformer gains little from a second layer.
    "sin": {"transformer_layers": None},
}
"""By architecture: ranges of its own, or None for a parameter that keeps its default."""


def default_space(declared: type[Architecture]) -> dict[str, SearchDimension]:
    """The default search space of an architecture, by parameter."""
    chosen = {**RANGES, **EXCEPTIONS.get(declared.name, {})}
    given = {name: ranges for name, ranges in chosen.items() if ranges is not None and name in declared.model_fields}
    return {name: SearchDimension.model_validate(ranges, strict=False) for name, ranges in sorted(given.items())}
