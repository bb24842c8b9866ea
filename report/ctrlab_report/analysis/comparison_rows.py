"""Conversion of a comparison of the statistics package to a row of the summary."""

from dataclasses import dataclass
from typing import Any, Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.metrics import METRIC_DIRECTIONS, WITHIN_METRICS
from ctrlab_api.records import (
    ComparisonSummary,
    ConfidenceInterval,
    DetectableDifference,
    DistributionFreeTest,
    EffectSize,
    Equivalence,
    PopulationEstimate,
)
from ctrlab_report.analysis.estimate_conversion import (
    paired_seed_estimate,
    population_estimate,
    seed_estimate,
)
from ctrlab_report.analysis.model_summaries import model_inputs_digest, unflagged_seeds
from ctrlab_report.analysis.scored_metrics import ScoredMetric
from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p_clause,
    format_signed_interval,
    metric_name,
)
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.effect_sizes import StandardizedDifference, relative_improvement
from ctrlab_report.statistics.model_comparison import AdjustedComparison, ComparisonSettings, PairComparison
from ctrlab_report.statistics.paired_tests import ExactTest, PairedT, UnderpoweredByDesign
from ctrlab_report.statistics.power_and_precision import seeds_for_half_width
from ctrlab_report.statistics.students_t import critical_value
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison
from ctrlab_report.statistics.verdict_table import ReplicateUnit


@dataclass(frozen=True)
class SeedOnlyComparison:
    """A comparison of a metric that has values by seed but no test-sample covariance."""

    a: str
    b: str
    seeds: tuple[int, ...]
    test_set_only: PairedT | Degenerate


def comparison_row(
    inputs: ReportInputs,
    metric: ScoredMetric,
    comparison: AdjustedComparison | SeedOnlyComparison,
    settings: ComparisonSettings,
) -> ComparisonSummary:
    """Return the row marked exploratory, without verdict and sentence; the caller sets these three."""
    pair = comparison.comparison if isinstance(comparison, AdjustedComparison) else comparison
    values_a, values_b = metric.values_of(pair.a), metric.values_of(pair.b)
    seeds = tuple(seed for seed in values_a if seed in values_b)
    differences = [values_a[seed] - values_b[seed] for seed in seeds]
    unflagged = unflagged_seeds(inputs, metric, pair.a) & unflagged_seeds(inputs, metric, pair.b)
    unflagged_differences = [d for seed, d in zip(seeds, differences, strict=True) if seed in unflagged]
    test = pair.test_set_only if isinstance(pair.test_set_only, PairedT | Degenerate) else None
    this_test_set = paired_seed_estimate(differences, test) if test is not None else None
    if this_test_set is not None and isinstance(comparison, AdjustedComparison):
        this_test_set = this_test_set.model_copy(update={"p_adjusted": comparison.adjusted_test_set_only_p})
    pair_fields = _pair_fields(comparison, settings) if isinstance(comparison, AdjustedComparison) else {}
    return ComparisonSummary(
        a=pair.a,
        b=pair.b,
        metric=metric.name,
        role="exploratory",
        direction=_direction(metric.name),
        seeds=seeds,
        differences=tuple(differences),
        difference=sum(differences) / len(differences) if differences else None,
        this_test_set=this_test_set,
        relative_improvement=_relative_improvement(
            metric.name, [values_a[seed] for seed in seeds], [values_b[seed] for seed in seeds]
        ),
        without_flagged=seed_estimate(unflagged_differences, settings.confidence)
        if len(unflagged_differences) < len(seeds)
        else None,
        sentence="",
        inputs_digest=digest({name: model_inputs_digest(inputs, name) for name in (pair.a, pair.b)}),
        **({"population": None} | pair_fields),
    )


def sentence_without_verdict(row: ComparisonSummary, confidence: float, unit: ReplicateUnit = "seeds") -> str:
    """Return the sentence of an exploratory comparison, or of one without a verdict."""
    name = metric_name(row.metric)
    if row.difference is None:
        return f"{row.a} and {row.b} have no seed in common with a value of {name}."
    if row.population is None:
        estimate = row.this_test_set
        digits = decimals_for_spread(estimate.sd or 0.0) if estimate else 4
        text = f"{name} of {row.a} and {row.b} differs by {format_difference(row.difference, digits)} on this test set"
        if estimate is None or estimate.interval is None:
            return f"{text}; the spread over seeds is unknown."
        bounds = format_signed_interval(estimate.interval, digits)
        level = format_confidence(confidence)
        return f"{text} ({level} CI over {estimate.n} {unit} {bounds}, paired t, {format_p_clause(estimate.p)})."
    population = row.population
    digits = decimals_for_spread(population.se)
    bounds = format_signed_interval(population.interval, digits)
    return (
        f"{name} of {row.a} and {row.b} differs by {format_difference(population.estimate, digits)} "
        f"({format_confidence(confidence)} CI {bounds}, adjusted {format_p_clause(population.p_adjusted)}, "
        f"{len(row.seeds)} {unit}; exploratory)."
    )


def _pair_fields(comparison: AdjustedComparison, settings: ComparisonSettings) -> dict[str, Any]:
    pair = comparison.comparison
    return {
        "population": _population(comparison, settings.confidence),
        "equivalence": _equivalence(comparison, settings),
        "detectable": _detectable_difference(pair, settings),
        "distribution_free": _distribution_free_test(pair.distribution_free),
        "signed_rank": _distribution_free_test(pair.signed_rank),
        **_effect_sizes(pair),
    }


def _population(comparison: AdjustedComparison, confidence: float) -> PopulationEstimate | None:
    pair = comparison.comparison
    estimate = population_estimate(pair.two_source, pair.covariance.units)
    if estimate is None:
        return None
    bounds = comparison.simultaneous
    simultaneous = (
        ConfidenceInterval(low=bounds.low, high=bounds.high, confidence=confidence, method=bounds.method)
        if bounds
        else None
    )
    return estimate.model_copy(update={"p_adjusted": comparison.adjusted_p, "simultaneous": simultaneous})


def _equivalence(comparison: AdjustedComparison, settings: ComparisonSettings) -> Equivalence | None:
    tost, posterior = comparison.comparison.equivalence, comparison.comparison.rope
    if tost is None or posterior is None or comparison.adjusted_equivalence_p is None:
        return None
    return Equivalence(
        margin=tost.margin,
        p=tost.p,
        p_adjusted=comparison.adjusted_equivalence_p,
        interval=ConfidenceInterval(
            low=tost.low, high=tost.high, confidence=round(1 - 2 * settings.alpha, 12), method=tost.method
        ),
        below=posterior.below,
        within=posterior.within,
        above=posterior.above,
        method=tost.method,
        posterior_method=posterior.method,
    )


def _detectable_difference(pair: PairComparison, settings: ComparisonSettings) -> DetectableDifference | None:
    two_source, detectable = pair.two_source, pair.detectable
    if not isinstance(two_source, TwoSourceComparison) or detectable is None:
        return None
    test_df = pair.covariance.test_df
    needed = None
    if settings.margin is not None:
        seed_sd = (two_source.seed_variance * two_source.seeds) ** 0.5
        needed = seeds_for_half_width(
            seed_sd, two_source.test_variance, settings.margin, test_df=test_df, confidence=settings.confidence
        )
    return DetectableDifference(
        critical_difference=critical_value(two_source.df, settings.confidence) * two_source.se,
        minimum_detectable=detectable.effect,
        power=detectable.power,
        limit_half_width=critical_value(test_df, settings.confidence) * two_source.se_limit,
        seeds_for_margin=needed.seeds if needed else None,
        more_seeds_can_help=needed.seeds is not None if needed else None,
        method=detectable.method,
    )


def _distribution_free_test(
    result: ExactTest | UnderpoweredByDesign | Degenerate | None,
) -> DistributionFreeTest | None:
    if isinstance(result, ExactTest):
        return DistributionFreeTest(p=result.p, minimum_p=result.minimum_p, method=result.method)
    if isinstance(result, UnderpoweredByDesign):
        return DistributionFreeTest(
            p=None, minimum_p=result.minimum_p, seeds_needed=result.seeds_needed, method=result.method
        )
    return None


def _effect_sizes(pair: PairComparison) -> dict[str, EffectSize]:
    effects: dict[str, EffectSize] = {}
    if isinstance(d_z := pair.effect, StandardizedDifference):
        interval = ConfidenceInterval(low=d_z.low, high=d_z.high, confidence=d_z.confidence, method=d_z.method)
        effects["standardized"] = EffectSize(value=d_z.d_z, interval=interval, method=d_z.method)
        effects["hedges"] = EffectSize(value=d_z.hedges, method=d_z.method)
    if (share := pair.superiority) is not None:
        interval = ConfidenceInterval(low=share.low, high=share.high, confidence=share.confidence, method=share.method)
        effects["superiority"] = EffectSize(value=share.probability, interval=interval, method=share.method)
    return effects


def _relative_improvement(metric: str, a: list[float], b: list[float]) -> float | None:
    if metric not in ("auc", *WITHIN_METRICS) or not a:
        return None
    base = sum(b) / len(b)
    return relative_improvement(sum(a) / len(a), base) if base > 0.5 else None


def _direction(metric: str) -> Literal["maximize", "minimize", "none"]:
    return next(direction for name, direction in METRIC_DIRECTIONS.items() if name == metric)
