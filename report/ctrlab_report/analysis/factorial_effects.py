"""Main effects and interactions of a 2^k ablation, each a contrast of the metric over all combinations of parts.

Per seed the contrast is one number; over seeds and test rows it has the same two sources of variance as the metric of a
single model, so Hillis' one-model estimate applies to it, with the covariance of the contrast in place of the metric's.
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
    """One row for each part, then one for each pair; p-values corrected over all of them as the plan corrects."""
    plan = inputs.plan
    metric = scored.metrics[plan.analysis.primary_metric]
    cells = combination_cells(plan, parts)
    values = {name: metric.values_of(name) for name in cells.values()}
    seeds = [seed for seed in inputs.seeds if all(seed in found for found in values.values())]
    chosen = [subset for size in (1, 2) for subset in combinations(parts, size)]
    found = [_effect(inputs, metric, cells, subset, len(parts), seeds) for subset in chosen]
    raw = [one.p if one else None for one in found]
    adjusted = adjust(raw, Correction(plan.analysis.correction), alpha=plan.analysis.alpha).adjusted
    return tuple(
        FactorialEffect(
            parts=subset, effect=one.model_copy(update={"p_adjusted": p}) if one else None, seeds=len(seeds)
        )
        for subset, one, p in zip(chosen, found, adjusted, strict=True)
    )


def combination_cells(plan: Plan, parts: Sequence[str]) -> dict[frozenset[str], str]:
    """The variant of each set of removed parts; the empty set is the full model."""
    full = plan.variant(plan.reference)

    def only_removes(variant: Variant) -> bool:
        return variant.parameters == full.parameters and variant.excluded_features == full.excluded_features

    found = {frozenset(variant.remove): variant.name for variant in plan.variants if only_removes(variant)}
    wanted = [frozenset(chosen) for size in range(len(parts) + 1) for chosen in combinations(parts, size)]
    return {removed: found[removed] for removed in wanted}


def contrast_weight(removed: frozenset[str], subset: Sequence[str], parts: int) -> float:
    """The weight of a combination: the product of +1 for each part of `subset` that is there and -1 for each that is
    not, over 2^(parts - 1)."""
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
    """None without a seed that every combination has, without a covariance, and where nothing varies."""
    runs = [(name, seed) for seed in seeds for name in cells.values()]
    covariance = metric.covariance_of(runs) if runs else None
    if covariance is None:
        return None
    weights = np.kron(np.eye(len(seeds)), [contrast_weight(removed, subset, parts) for removed in cells])
    found = estimate_model_mean(
        weights @ covariance.estimates,
        weights @ covariance.matrix @ weights.T,
        test_df=covariance.test_df,
        confidence=float(inputs.plan.analysis.confidence),
        pilot_seeds=pilot_seed_count(inputs, seeds),
    )
    estimate = population_estimate(found, covariance.units)
    if estimate is None or isinstance(found, Degenerate):
        return None
    return estimate.model_copy(update={"p": two_sided_p(found.estimate / found.se, found.df)})
