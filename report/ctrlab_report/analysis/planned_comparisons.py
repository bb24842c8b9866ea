"""One row for each pair and metric: the difference, how sure one can be of it, and what the plan's question gets.

The primary metric is judged by the two-source comparison, corrected over all pairs, and gets a verdict. Every other
metric is exploratory: its p-values are corrected by Benjamini-Hochberg over all of them, and it carries no verdict.
"""

from collections.abc import Sequence
from typing import Any

from ctrlab_api.records import ComparisonSummary
from ctrlab_report.analysis.comparison_rows import (
    SeedOnlyComparison,
    comparison_row,
    sentence_without_verdict,
)
from ctrlab_report.analysis.estimate_conversion import single_run_summary
from ctrlab_report.analysis.repeated_searches import average_by_search
from ctrlab_report.analysis.scored_metrics import ScoredMetric, ScoredMetrics
from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p_clause,
    format_signed_interval,
    metric_name,
)
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.statistics.covariance import MetricCovariance
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.model_comparison import (
    AdjustedComparison,
    ComparisonSettings,
    ModelRuns,
    PairComparison,
    compare_family,
    compare_pair,
)
from ctrlab_report.statistics.multiple_testing import Correction, benjamini_hochberg
from ctrlab_report.statistics.paired_tests import paired_t
from ctrlab_report.statistics.single_run_estimates import compare_single_runs
from ctrlab_report.statistics.verdict_table import ReplicateUnit, VerdictKind

NOTHING_TO_COMPARE = "no-finished-runs"


def summarise_comparisons(inputs: ReportInputs, scored: ScoredMetrics) -> tuple[ComparisonSummary, ...]:
    """All planned pairs: the primary metric first, then the others in the plan's order."""
    analysis = inputs.plan.analysis
    metrics = {name: average_by_search(metric, inputs.plan) for name, metric in scored.metrics.items()}
    primary = metrics[analysis.primary_metric]
    others = [metrics[name] for name in analysis.metrics if name != analysis.primary_metric]
    first = _family(inputs, primary, Correction(analysis.correction), margin=analysis.margin)
    rest = [row for metric in others for row in _family(inputs, metric, Correction.NONE, margin=None)]
    explored = benjamini_hochberg([_p(row) for row in rest], alpha=analysis.alpha).adjusted
    return (
        *(row.model_copy(update={"role": "primary"}) for row in first),
        *(_explored(row, adjusted, _unit(inputs)) for row, adjusted in zip(rest, explored, strict=True)),
    )


def comparison_plan(inputs: ReportInputs, correction: Correction, margin: str | None) -> ComparisonSettings:
    """The frozen plan in the words of the statistics package."""
    decision, seeds = inputs.decision, inputs.plan.evaluation.seeds
    extended = decision is not None and decision.count > decision.pilot
    return ComparisonSettings(
        confidence=float(inputs.plan.analysis.confidence),
        margin=float(margin) if margin else None,
        correction=correction,
        pilot_seeds=seeds.values(decision.pilot) if decision is not None and extended else (),
        unit=_unit(inputs),
    )


def _unit(inputs: ReportInputs) -> ReplicateUnit:
    return "searches" if inputs.plan.tuning.study_count > 1 else "seeds"


def _family(
    inputs: ReportInputs, metric: ScoredMetric, correction: Correction, margin: str | None
) -> list[ComparisonSummary]:
    pairs = inputs.plan.comparisons()
    plan = comparison_plan(inputs, correction, margin)
    if metric.covariance is None:
        return [_over_seeds(inputs, metric, a, b, plan) for a, b in pairs]
    compared = [_compare(metric, metric.covariance, a, b, plan, len(pairs)) for a, b in pairs]
    return [_row(inputs, metric, member, plan) for member in compare_family(compared, plan)]


def _compare(
    metric: ScoredMetric, covariance: MetricCovariance, a: str, b: str, plan: ComparisonSettings, family: int
) -> PairComparison:
    """One pair; a model without any finished run gives an explicit dead end that still counts in the family."""
    place = {run: index for index, run in enumerate(metric.values)}
    models = [
        ModelRuns(name, seeds := tuple(metric.values_of(name)), tuple(place[name, seed] for seed in seeds))
        for name in (a, b)
    ]
    without = [model.name for model in models if not model.seeds]
    if without:
        reason = f"no run of {' and '.join(without)} ended with predictions"
        dead_end = Degenerate(NOTHING_TO_COMPARE, reason, 0, 0.0)
        return PairComparison(
            a, b, covariance.select([]), (), dead_end, dead_end, None, None, None, None, None, None, None
        )
    return compare_pair(models[0], models[1], covariance, plan, family)


def _row(
    inputs: ReportInputs, metric: ScoredMetric, member: AdjustedComparison, plan: ComparisonSettings
) -> ComparisonSummary:
    found, verdict = member.comparison, member.verdict
    row = comparison_row(inputs, metric, member, plan)
    update: dict[str, Any] = {"sentence": sentence_without_verdict(row, plan.confidence, plan.unit)}
    if isinstance(found.two_source, Degenerate) and not found.covariance.estimates.size:
        update = {
            "sentence": f"{found.a} and {found.b} cannot be compared: {found.two_source.reason}.",
            "verdict": VerdictKind.DEGENERATE.value,
            "label": VerdictKind.DEGENERATE.value,
        }
    elif isinstance(found.two_source, Degenerate) and len(found.seeds) == 1:
        update |= _one_seed(found, plan.confidence)
    elif verdict is not None:
        update = {
            "sentence": verdict.sentence,
            "verdict": verdict.kind.value,
            "label": verdict.label,
            "verdict_method": verdict.method,
            "seeds_needed": verdict.seeds_needed,
        }
    return row.model_copy(update=update)


def _one_seed(found: PairComparison, confidence: float) -> dict[str, Any]:
    """Two networks on new rows: all that can be said with one seed, and no verdict about the models."""
    runs = single_run_summary(compare_single_runs(found.covariance, confidence=confidence))
    text = f"{found.a} and {found.b} share one seed, so how much other seeds would change is unknown."
    if runs is not None:
        name, digits = metric_name(found.covariance.metric), decimals_for_spread(runs.se)
        text += (
            f" These two trained networks differ by {format_difference(runs.estimate, digits)} in {name} on new rows "
            f"({format_confidence(confidence)} CI {format_signed_interval(runs.interval, digits)}, "
            f"{format_p_clause(runs.p)}, not corrected)."
        )
    label = VerdictKind.DEGENERATE.value
    return {"single_run": runs, "sentence": text, "verdict": label, "label": label}


def _over_seeds(
    inputs: ReportInputs, metric: ScoredMetric, a: str, b: str, plan: ComparisonSettings
) -> ComparisonSummary:
    """A metric without a sampling theory here: the paired t-test on this test set, and no verdict."""
    of_a, of_b = metric.values_of(a), metric.values_of(b)
    seeds = tuple(seed for seed in of_a if seed in of_b)
    found = (
        paired_t([of_a[seed] for seed in seeds], [of_b[seed] for seed in seeds], confidence=plan.confidence)
        if seeds
        else Degenerate(NOTHING_TO_COMPARE, "no shared seed", 0, 0.0)
    )
    row = comparison_row(inputs, metric, SeedOnlyComparison(a, b, seeds, found), plan)
    return row.model_copy(update={"sentence": sentence_without_verdict(row, plan.confidence, plan.unit)})


def _explored(row: ComparisonSummary, adjusted: float | None, unit: ReplicateUnit) -> ComparisonSummary:
    """An exploratory row: adjusted p, no verdict."""
    update: dict[str, Any] = {"role": "exploratory", "verdict": None, "label": None, "verdict_method": None}
    update["seeds_needed"] = None
    if row.population is not None:
        update["population"] = row.population.model_copy(update={"p_adjusted": adjusted, "simultaneous": None})
    if row.this_test_set is not None:
        update["this_test_set"] = row.this_test_set.model_copy(update={"p_adjusted": None})
    row = row.model_copy(update=update)
    confidences: Sequence[float] = [row.population.interval.confidence] if row.population else [0.95]
    return row.model_copy(update={"sentence": sentence_without_verdict(row, confidences[0], unit)})


def _p(row: ComparisonSummary) -> float | None:
    return row.population.p if row.population is not None else None
