"""The section of a report's summary that only an ablation has, and an experiment's link to its ablations."""

from typing import Literal

from ctrlab_api.records.ablation_changes import VariantChange
from ctrlab_api.records.summary_statistics import ConfidenceInterval, PopulationEstimate
from ctrlab_api.schema_types import ApiModel


class AblationLink(ApiModel):
    """`ablations/<name>-<uid>.json` in the experiment's folder: a link to an ablation that has a report."""

    schema_version: Literal[1] = 1
    experiment: str
    """namespace/name/uid of the ablation."""
    model: str
    variants: int
    """Number of variants without the full model."""
    hyperparameters: Literal["Inherit", "Retune"]


class AblationRow(ApiModel):
    """The comparison of one variant with the full model in the primary metric."""

    variant: str
    change: str
    """The change in words, such as `without cin`."""
    drop: float | None = None
    """Loss of the primary metric; positive where the full model is better, whatever the direction of the metric."""
    interval: ConfidenceInterval | None = None
    """Interval of the drop, for new rows and new seeds."""
    simultaneous: ConfidenceInterval | None = None
    """Simultaneous interval, wide enough to cover all variants together; ranks are computed from it."""
    p_adjusted: float | None = None
    verdict: str | None = None
    label: str | None = None
    reading: str
    """Interpretation of the verdict for the changed part, in one sentence."""
    best_rank: int
    """One more than the number of variants whose drop is significantly larger; rank 1 is the largest drop."""
    worst_rank: int
    """The number of variants minus those whose drop is significantly smaller."""
    parameters: int | None = None
    parameters_full: int | None = None
    seconds: float | None = None
    """Mean wall time of a final run."""
    seconds_full: float | None = None
    record: VariantChange | None = None
    """Difference from the full model as recorded by the first run of the variant."""


class FactorialEffect(ApiModel):
    """The main effect of a part (one part) or the interaction of two parts, over all combinations."""

    parts: tuple[str, ...]
    effect: PopulationEstimate | None = None
    """Metric with the part minus metric without it, averaged over the other parts; for two parts half the difference
    between the effects of one part with and without the other. Absent where runs are missing or nothing varies."""
    seeds: int
    """Number of seeds for which every combination has a result."""


class AblationSummary(ApiModel):
    """The results of an ablation in addition to its comparisons."""

    experiment: str
    """namespace/name/uid of the experiment."""
    plan_digest: str
    search_token: str
    full_model: str
    hyperparameters: Literal["Inherit", "Retune"]
    tuning_statement: str
    """Inherit: the warning that the values were tuned for the full model. Retune: the budget of each variant."""
    reused_runs: int
    """Number of runs of the full model that were reused from the experiment."""
    rows: tuple[AblationRow, ...]
    """Variants by descending drop; those without a value last."""
    ranking_statement: str
    effects: tuple[FactorialEffect, ...] = ()
    """Main effects, then interactions of two parts; only for a factorial ablation."""
