"""Summary rows of all planned comparisons: one row for each pair of models and each metric.

The primary metric uses the two-source comparison, corrected over all pairs, and gets a verdict. All other metrics are
exploratory: their p-values are corrected by Benjamini-Hochberg over all of them, and they get no verdict.
"""

from typing import Any

from ctrlab_api.records import ComparisonSummary
from ctrlab_report.analysis.comparison_rows import (
    SeedOnlyComparison,
    comparison_row,
    sentence_without_verdict,
)
from ctrlab_report.analysis.estimate_conversion import single_run_summary
from ctrlab_report.analysis.repeated_studies import average_by_study
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

NO_FINISHED_RUNS = "no-finished-runs"


def summarize_comparisons(inputs: ReportInputs, scored: ScoredMetrics) -> tuple[ComparisonSummary, ...]:
    """Return all planned pairs: the primary metric first, then the others in the plan's order."""
    analysis = inputs.plan.analysis
    metrics = {name: average_by_study(metric, inputs.plan) for name, metric in scored.metrics.items()}
    primary = metrics[analysis.primary_metric]
    others = [metrics[name] for name in analysis.metrics if name != analysis.primary_metric]
    primary_rows = _compare_all_pairs(inputs, primary, Correction(analysis.correction), margin=analysis.margin)
    other_rows = [row for metric in others for row in _compare_all_pairs(inputs, metric, Correction.NONE, margin=None)]
    adjusted = benjamini_hochberg([_p_value(row) for row in other_rows], alpha=analysis.alpha).adjusted
    return (
        *(row.model_copy(update={"role": "primary"}) for row in primary_rows),
        *(_exploratory_row(row, p, inputs, metrics[row.metric]) for row, p in zip(other_rows, adjusted, strict=True)),
    )


def comparison_settings(inputs: ReportInputs, correction: Correction, margin: str | None) -> ComparisonSettings:
    """Return the settings of the frozen plan for the statistics package."""
    decision, seeds = inputs.decision, inputs.plan.evaluation.seeds
    extended = decision is not None and decision.count > decision.pilot
    return ComparisonSettings(
        confidence=float(inputs.plan.analysis.confidence),
        margin=float(margin) if margin else None,
        correction=correction,
        pilot_seeds=seeds.values(decision.pilot) if decision is not None and extended else (),
        unit=_replicate_unit(inputs),
    )


def _replicate_unit(inputs: ReportInputs) -> ReplicateUnit:
    return "studies" if inputs.plan.tuning.study_count > 1 else "seeds"


def _compare_all_pairs(
    inputs: ReportInputs, metric: ScoredMetric, correction: Correction, margin: str | None
) -> list[ComparisonSummary]:
    pairs = inputs.plan.comparisons()
    settings = comparison_settings(inputs, correction, margin)
    if metric.covariance is None:
        return [_compare_over_seeds(inputs, metric, a, b, settings) for a, b in pairs]
    compared = [_compare(metric, metric.covariance, a, b, settings, len(pairs)) for a, b in pairs]
    return [_row(inputs, metric, comparison, settings) for comparison in compare_family(compared, settings)]


def _compare(
    metric: ScoredMetric, covariance: MetricCovariance, a: str, b: str, settings: ComparisonSettings, family: int
) -> PairComparison:
    """Compare one pair; a model without a finished run gives a degenerate result that still counts in the family."""
    index_of_run = {run: index for index, run in enumerate(metric.values)}
    models = [
        ModelRuns(name, seeds := tuple(metric.values_of(name)), tuple(index_of_run[name, seed] for seed in seeds))
        for name in (a, b)
    ]
    unfinished = [model.name for model in models if not model.seeds]
    if unfinished:
        reason = f"no run of {' and '.join(unfinished)} finished with predictions"
        degenerate = Degenerate(NO_FINISHED_RUNS, reason, 0, 0.0)
        return PairComparison(
            a, b, covariance.select([]), (), degenerate, degenerate, None, None, None, None, None, None, None
        )
    return compare_pair(models[0], models[1], covariance, settings, family)


def _row(
    inputs: ReportInputs, metric: ScoredMetric, adjusted: AdjustedComparison, settings: ComparisonSettings
) -> ComparisonSummary:
    pair, verdict = adjusted.comparison, adjusted.verdict
    row = comparison_row(inputs, metric, adjusted, settings)
    update: dict[str, Any] = {"sentence": sentence_without_verdict(row, settings.confidence, settings.unit)}
    if isinstance(pair.two_source, Degenerate) and not pair.covariance.estimates.size:
        update = {
            "sentence": f"{pair.a} and {pair.b} cannot be compared: {pair.two_source.reason}.",
            "verdict": VerdictKind.DEGENERATE.value,
            "label": VerdictKind.DEGENERATE.value,
        }
    elif isinstance(pair.two_source, Degenerate) and len(pair.seeds) == 1:
        update |= _compare_on_one_seed(pair, settings.confidence)
    elif verdict is not None:
        update = {
            "sentence": verdict.sentence,
            "verdict": verdict.kind.value,
            "label": verdict.label,
            "verdict_method": verdict.method,
            "seeds_needed": verdict.seeds_needed,
        }
    return row.model_copy(update=update)


def _compare_on_one_seed(pair: PairComparison, confidence: float) -> dict[str, Any]:
    """Return the row fields for one shared seed: the two networks on new rows, and no verdict on the models."""
    single_run = single_run_summary(compare_single_runs(pair.covariance, confidence=confidence))
    text = f"{pair.a} and {pair.b} share only one seed, so the spread between seeds is unknown."
    if single_run is not None:
        name, digits = metric_name(pair.covariance.metric), decimals_for_spread(single_run.se)
        bounds = format_signed_interval(single_run.interval, digits)
        text += (
            f" These two trained networks differ by {format_difference(single_run.estimate, digits)} in {name} on new "
            f"rows ({format_confidence(confidence)} CI {bounds}, {format_p_clause(single_run.p)}, not corrected)."
        )
    label = VerdictKind.DEGENERATE.value
    return {"single_run": single_run, "sentence": text, "verdict": label, "label": label}


def _compare_over_seeds(
    inputs: ReportInputs, metric: ScoredMetric, a: str, b: str, settings: ComparisonSettings
) -> ComparisonSummary:
    """Compare a metric without a covariance by the paired t-test on this test set, without a verdict."""
    values_a, values_b = metric.values_of(a), metric.values_of(b)
    seeds = tuple(seed for seed in values_a if seed in values_b)
    test = (
        paired_t([values_a[seed] for seed in seeds], [values_b[seed] for seed in seeds], confidence=settings.confidence)
        if seeds
        else Degenerate(NO_FINISHED_RUNS, "no shared seed", 0, 0.0)
    )
    row = comparison_row(inputs, metric, SeedOnlyComparison(a, b, seeds, test), settings)
    return row.model_copy(update={"sentence": _sentence(row, metric, settings.confidence, settings.unit)})


def _sentence(row: ComparisonSummary, metric: ScoredMetric, confidence: float, unit: ReplicateUnit) -> str:
    """Return the sentence of a comparison without a verdict, with the reason if the metric is undefined."""
    sentence = sentence_without_verdict(row, confidence, unit)
    return sentence if metric.undefined is None else f"{sentence} {metric_name(metric.name)}: {metric.undefined}."


def _exploratory_row(
    row: ComparisonSummary, adjusted_p: float | None, inputs: ReportInputs, metric: ScoredMetric
) -> ComparisonSummary:
    """Return the row with its adjusted p and without a verdict."""
    update: dict[str, Any] = {"role": "exploratory", "verdict": None, "label": None, "verdict_method": None}
    update["seeds_needed"] = None
    if row.population is not None:
        update["population"] = row.population.model_copy(update={"p_adjusted": adjusted_p, "simultaneous": None})
    if row.this_test_set is not None:
        update["this_test_set"] = row.this_test_set.model_copy(update={"p_adjusted": None})
    row = row.model_copy(update=update)
    sentence = _sentence(row, metric, float(inputs.plan.analysis.confidence), _replicate_unit(inputs))
    return row.model_copy(update={"sentence": sentence})


def _p_value(row: ComparisonSummary) -> float | None:
    return row.population.p if row.population is not None else None
