"""`searchSpace: Default`: the parameters of each architecture that are worth tuning in 20 to 50 trials.

These are the few parameters that BARS and the ablations of the papers found to matter most, with ranges around the
defaults. An architecture that is not in EXCEPTIONS is tuned in those parameters of RANGES that it declares, so that a
new architecture has a default search space as soon as it exists.
"""

from typing import Any, Final

from ctrlab_api.architectures.base_architecture import Architecture
from ctrlab_api.resources.search_dimensions import SearchDimension

RANGES: Final[dict[str, dict[str, Any]]] = {
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
"""Search dimensions by parameter, for every architecture that declares it."""

EXCEPTIONS: Final[dict[str, dict[str, dict[str, Any] | None]]] = {
    # One weight for each value: there is no width to choose, and larger steps are stable.
    "lr": {"embedding_dim": None, "learning_rate": {"float": {"low": "3e-4", "high": "3e-2", "log": True}}},
    # Two more parameters would leave too few trials for each; its transformer gains little from a second layer.
    "sin": {"transformer_layers": None},
}
"""By architecture: different search dimensions, or None for a parameter that keeps its default."""


def default_space(declared: type[Architecture]) -> dict[str, SearchDimension]:
    """Return the default search space of an architecture, by parameter."""
    merged = {**RANGES, **EXCEPTIONS.get(declared.name, {})}
    used = {name: content for name, content in merged.items() if content is not None and name in declared.model_fields}
    return {name: SearchDimension.model_validate(content, strict=False) for name, content in sorted(used.items())}
