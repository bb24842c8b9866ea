"""A simulated experiment: models with a chosen strength, and the design of the experiment that compares them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.resource_builders import categorical, csv_source, dataset_spec, make_plan, make_variant
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan

DATASET = {
    "source": csv_source("file:///data/movies/"),
    "label": {"column": "rating", "positiveWhen": ">= 4"},
    "features": categorical("user_id", "item_id"),
    "time": "timestamp",
    "split": {"strategy": "Temporal"},
}
SEARCH = {
    "learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}},
    "embedding_dim": {"categorical": ["8", "16"]},
}


@dataclass(frozen=True)
class SimulatedModel:
    """A model whose logits are the true ones times `strength`, plus errors of the model and of its seeds."""

    name: str
    strength: float
    model_error: float = 0.3
    seed_error: float = 0.3
    diverged: tuple[int, ...] = ()
    """Indices of the seeds whose run diverged, so that it has no predictions."""
    missing: tuple[int, ...] = ()
    """Indices of the seeds without a record."""


@dataclass(frozen=True)
class SimulatedExperiment:
    """An experiment to write; by default, the first of three models is clearly better than the last."""

    models: tuple[SimulatedModel, ...] = (
        SimulatedModel("SIN", 1.0),
        SimulatedModel("DIN", 0.97),
        SimulatedModel("DeepFM", 0.7),
    )
    seeds: int = 5
    rows: int = 1200
    users: int | None = 150
    group_rows: int | None = None
    """About the number of test rows of each group (page view); None without groups."""
    clicks: int | None = None
    """Number of test rows that are clicks, the first ones; None for labels from the true probabilities."""
    constant_scores: bool = False
    """Whether every run predicts 0.3 for every row."""
    primary_metric: str = "auc"
    margin: str | None = "0.005"
    metrics: tuple[str, ...] = ("auc", "logloss", "gauc", "pcoc", "ece")
    trials: int = 12
    repeats: int | None = None
    """Studies of each model; each later one has one trial less."""
    compare: str = "AgainstReference"
    half_width: str | None = None
    """evaluation.precision.halfWidth; if set, seeds.max is `max_seeds`."""
    max_seeds: int = 1000
    extended: int | None = None
    """Number of seeds with runs after an extension."""
    base: int = 2024
    """The first seed."""
    seeds_per_pod: int | None = None
    data: str = "d"
    """The character that the digest of the prepared data consists of."""
    split_seed: int | None = None
    """Seed of a Random split; without it the split is temporal."""
    positives_only: bool = False
    """Whether the source has no label column, so that three negatives are sampled for each row."""
    key: ExperimentKey = field(default_factory=lambda: ExperimentKey.parse("default/movies/0a1b2c"))

    @property
    def plan(self) -> Plan:
        """The frozen plan."""
        dataset: dict[str, Any] = {"user": "user_id"} if self.users else {}
        if self.group_rows is not None:
            dataset["group"] = "page_view"
        if self.split_seed is not None:
            dataset["split"] = {"strategy": "Random", "seed": self.split_seed}
        if self.positives_only:
            dataset |= {"label": None, "negatives": {"item": "item_id", "perPositive": 3}}
        return make_plan(
            *(make_variant(model.name, search=SEARCH) for model in self.models),
            dataset=dataset_spec(**{**DATASET, **dataset}),
            tuning={"trials": self.trials, "repeats": self.repeats},
            evaluation=self._evaluation,
            analysis={
                "primaryMetric": self.primary_metric,
                "metrics": list(self.metrics),
                "reference": self.models[0].name,
                "compare": self.compare,
                "margin": self.margin,
            },
        )

    def groups_of(self, users: NDArray[np.int32] | None) -> NDArray[np.int32] | None:
        """Return the group of each test row; a group has one user."""
        if self.group_rows is None:
            return None
        views = np.random.default_rng(5).integers(0, max(1, self.rows // self.group_rows), self.rows)
        ids = views if users is None else views * 10**4 + users
        return np.asarray(np.unique(ids, return_inverse=True)[1], np.int32)

    @property
    def _evaluation(self) -> dict[str, Any]:
        seeds = {"count": self.seeds, "base": self.base}
        if self.half_width is None:
            return {"seeds": seeds, "seedsPerPod": self.seeds_per_pod}
        precision = {"metric": "auc", "halfWidth": self.half_width}
        return {"seeds": {**seeds, "max": self.max_seeds}, "precision": precision}
