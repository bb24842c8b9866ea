"""Main effects and interactions of a 2^k ablation, each a contrast of the metric over all combinations of parts.

Each seed gives one value of the contrast. Over seeds and test rows the contrast has the same two sources of variance as
the metric of a single model, so the one-model estimate of Hillis applies, with the covariance of the contrast instead
of that of the metric.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import PopulationEstimate
from ctrlab_api.records.ablation_summary import FactorialEffect
from ctrlab_report.analysis.estimate_conversion import population_estimate
from ctrlab_report.analysis.model_summaries import pilot_seed_count
from ctrlab_report.analysis.scored_metrics import ScoredMetric, ScoredMetrics
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.multiple_testing import Correction, adjust
from ctrlab_report.statistics.obuchowski_rockette import estimate_model_mean
from ctrlab_report.statistics.students_t import two_sided_p


def factorial_effects(inputs: ReportInputs, scored: ScoredMetrics, parts: Sequence[str]) -> tuple[FactorialEffect, ...]:
    """Return one row for each part, then one for each pair; p-values are adjusted over all by the plan's correction."""
    plan = inputs.plan
    metric = scored.metrics[plan.analysis.primary_metric]
    cells = combination_cells(plan, parts)
    values = {name: metric.values_of(name) for name in cells.values()}
    seeds = [seed for seed in inputs.seeds if all(seed in by_seed for by_seed in values.values())]
    subsets = [subset for size in (1, 2) for subset in combinations(parts, size)]
    effects = [_effect(inputs, metric, cells, subset, len(parts), seeds) for subset in subsets]
    raw = [effect.p if effect else None for effect in effects]
    adjusted = adjust(raw, Correction(plan.analysis.correction), alpha=plan.analysis.alpha).adjusted
    return tuple(
        FactorialEffect(
            parts=subset, effect=effect.model_copy(update={"p_adjusted": p}) if effect else None, seeds=len(seeds)
        )
        for subset, effect, p in zip(subsets, effects, adjusted, strict=True)
    )


def combination_cells(plan: Plan, parts: Sequence[str]) -> dict[frozenset[str], str]:
    """Return the name of the variant for each set of removed parts; the empty set is the full model."""
    full = plan.variant(plan.reference)

    def only_removes(variant: Variant) -> bool:
        return variant.parameters == full.parameters and variant.excluded_features == full.excluded_features

    by_removed = {frozenset(variant.remove): variant.name for variant in plan.variants if only_removes(variant)}
    removed_sets = [frozenset(subset) for size in range(len(parts) + 1) for subset in combinations(parts, size)]
    return {removed: by_removed[removed] for removed in removed_sets}


def contrast_weight(removed: frozenset[str], subset: Sequence[str], parts: int) -> float:
    """Return the weight of a combination: the product over `subset` of +1 (part present) or -1 (removed), divided by
    2^(parts - 1)."""
    sign = 1.0
    for part in subset:
        sign *= -1.0 if part in removed else 1.0
    return float(sign / 2 ** (parts - 1))


def _effect(
    inputs: ReportInputs,
    metric: ScoredMetric,
    cells: dict[frozenset[str], str],
    subset: Sequence[str],
    parts: int,
    seeds: Sequence[int],
) -> PopulationEstimate | None:
    """Return the contrast of `subset`; None without a seed common to all combinations, a covariance, or variation."""
    runs = [(name, seed) for seed in seeds for name in cells.values()]
    covariance = metric.covariance_of(runs) if runs else None
    if covariance is None:
        return None
    weights = np.kron(np.eye(len(seeds)), [contrast_weight(removed, subset, parts) for removed in cells])
    contrast = estimate_model_mean(
        weights @ covariance.estimates,
        weights @ covariance.matrix @ weights.T,
        test_df=covariance.test_df,
        confidence=float(inputs.plan.analysis.confidence),
        pilot_seeds=pilot_seed_count(inputs, seeds),
    )
    estimate = population_estimate(contrast, covariance.units)
    if estimate is None or isinstance(contrast, Degenerate):
        return None
    return estimate.model_copy(update={"p": two_sided_p(contrast.estimate / contrast.se, contrast.df)})
