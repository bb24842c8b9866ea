"""The part of a report's summary that only an ablation has, and what an experiment keeps of its ablations."""

from typing import Literal

from ctrlab_api.records.ablation_changes import VariantChange
from ctrlab_api.records.summary_statistics import ConfidenceInterval, PopulationEstimate
from ctrlab_api.schema_types import ApiModel


class AblationLink(ApiModel):
    """`ablations/<name>-<uid>.json` in the experiment's folder: an ablation of it that has a report."""

    schema_version: Literal[1] = 1
    experiment: str
    """namespace/name/uid of the ablation."""
    model: str
    variants: int
    """Without the full model."""
    hyperparameters: Literal["Inherit", "Retune"]


class AblationRow(ApiModel):
    """One variant against the full model in the primary metric."""

    variant: str
    change: str
    """In words, such as `without cin`."""
    drop: float | None = None
    """What the metric loses by the change: above zero where the full model is better, whatever the metric's
    direction."""
    interval: ConfidenceInterval | None = None
    """Of the drop, for new rows and new seeds."""
    simultaneous: ConfidenceInterval | None = None
    """The same, wide enough that those of all variants hold together; ranks rest on it."""
    p_adjusted: float | None = None
    verdict: str | None = None
    label: str | None = None
    reading: str
    """What the verdict says of the changed part, in one sentence."""
    best_rank: int
    """1 for the largest drop: one more than the variants whose drop is surely larger."""
    worst_rank: int
    """The number of variants less those whose drop is surely smaller."""
    parameters: int | None = None
    parameters_full: int | None = None
    seconds: float | None = None
    """Mean wall time of a final run."""
    seconds_full: float | None = None
    record: VariantChange | None = None
    """As the variant's first run recorded it."""


class FactorialEffect(ApiModel):
    """What a part adds to the metric (one part), or adds to what another one adds (two), over all combinations."""

    parts: tuple[str, ...]
    effect: PopulationEstimate | None = None
    """Metric with the part minus without, averaged over the other parts; for two parts half the difference of the one
    part's effects with and without the other. Absent where runs are missing or nothing varies."""
    seeds: int
    """Seeds for which every combination has a result."""


class AblationSummary(ApiModel):
    """Everything that the ablation's page says beside the comparisons."""

    experiment: str
    """namespace/name/uid of the experiment."""
    plan_digest: str
    search_token: str
    full_model: str
    hyperparameters: Literal["Inherit", "Retune"]
    tuning_statement: str
    """For Inherit the warning that values were tuned for the full model, for Retune the budget of each variant."""
    reused_runs: int
    """Runs of the full model that are the experiment's own."""
    rows: tuple[AblationRow, ...]
    """Largest drop first; those without a value last."""
    ranking_statement: str
    effects: tuple[FactorialEffect, ...] = ()
    """Main effects, then interactions of two parts; for a factorial ablation alone."""
