"""One comparison of the statistics package as a row of the summary."""

from dataclasses import dataclass
from typing import Any, Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.metrics import METRIC_DIRECTIONS
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
from ctrlab_report.statistics.effect_sizes import StandardisedDifference, relative_improvement
from ctrlab_report.statistics.model_comparison import AdjustedComparison, ComparisonSettings, PairComparison
from ctrlab_report.statistics.paired_tests import ExactTest, PairedT, UnderpoweredByDesign
from ctrlab_report.statistics.power_and_precision import seeds_for_half_width
from ctrlab_report.statistics.students_t import critical_value
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison
from ctrlab_report.statistics.verdict_table import ReplicateUnit


@dataclass(frozen=True)
class SeedOnlyComparison:
    """A comparison of a metric that has values by seed and no test-sample covariance."""

    a: str
    b: str
    seeds: tuple[int, ...]
    test_set_only: PairedT | Degenerate


def comparison_row(
    inputs: ReportInputs,
    metric: ScoredMetric,
    found: AdjustedComparison | SeedOnlyComparison,
    plan: ComparisonSettings,
) -> ComparisonSummary:
    """The row without verdict and sentence, marked exploratory; the caller says what it is."""
    one = found.comparison if isinstance(found, AdjustedComparison) else found
    of_a, of_b = metric.values_of(one.a), metric.values_of(one.b)
    seeds = tuple(seed for seed in of_a if seed in of_b)
    differences = [of_a[seed] - of_b[seed] for seed in seeds]
    clean = unflagged_seeds(inputs, metric, one.a) & unflagged_seeds(inputs, metric, one.b)
    kept = [d for seed, d in zip(seeds, differences, strict=True) if seed in clean]
    on_these_rows = one.test_set_only if isinstance(one.test_set_only, PairedT | Degenerate) else None
    here = paired_seed_estimate(differences, on_these_rows) if on_these_rows is not None else None
    if here is not None and isinstance(found, AdjustedComparison):
        here = here.model_copy(update={"p_adjusted": found.adjusted_test_set_only_p})
    of_pair = _from_pair(found, plan) if isinstance(found, AdjustedComparison) else {}
    return ComparisonSummary(
        a=one.a,
        b=one.b,
        metric=metric.name,
        role="exploratory",
        direction=_direction(metric.name),
        seeds=seeds,
        differences=tuple(differences),
        difference=sum(differences) / len(differences) if differences else None,
        this_test_set=here,
        relative_improvement=_relative(metric.name, [of_a[s] for s in seeds], [of_b[s] for s in seeds]),
        without_flagged=seed_estimate(kept, plan.confidence) if len(kept) < len(seeds) else None,
        sentence="",
        inputs_digest=digest({name: model_inputs_digest(inputs, name) for name in (one.a, one.b)}),
        **({"population": None} | of_pair),
    )


def sentence_without_verdict(row: ComparisonSummary, confidence: float, unit: ReplicateUnit = "seeds") -> str:
    """What the numbers of an exploratory comparison, or of one without a verdict, say."""
    name = metric_name(row.metric)
    if row.difference is None:
        return f"{row.a} and {row.b} have no seed in common with a value of {name}."
    if row.population is None:
        found = row.this_test_set
        digits = decimals_for_spread(found.sd or 0.0) if found else 4
        text = f"{name} of {row.a} and {row.b} differs by {format_difference(row.difference, digits)} on this test set"
        if found is None or found.interval is None:
            return f"{text}; the spread over seeds is not known."
        bounds = format_signed_interval(found.interval, digits)
        return (
            f"{text} ({format_confidence(confidence)} CI over {found.n} {unit} {bounds}, paired t, "
            f"{format_p_clause(found.p)})."
        )
    found_both = row.population
    digits = decimals_for_spread(found_both.se)
    return (
        f"{name} of {row.a} and {row.b} differs by {format_difference(found_both.estimate, digits)} "
        f"({format_confidence(confidence)} CI "
        f"{format_signed_interval(found_both.interval, digits)}, adjusted {format_p_clause(found_both.p_adjusted)}, "
        f"{len(row.seeds)} "
        f"{unit}; exploratory)."
    )


def _from_pair(found: AdjustedComparison, plan: ComparisonSettings) -> dict[str, Any]:
    one = found.comparison
    return {
        "population": _population(found, plan.confidence),
        "equivalence": _equivalence(found, plan),
        "detectable": _detectable(one, plan),
        "distribution_free": _exact(one.distribution_free),
        "signed_rank": _exact(one.signed_rank),
        **_effects(one),
    }


def _population(found: AdjustedComparison, confidence: float) -> PopulationEstimate | None:
    one = found.comparison
    estimate = population_estimate(one.two_source, one.covariance.units)
    if estimate is None:
        return None
    wide = found.simultaneous
    together = (
        ConfidenceInterval(low=wide.low, high=wide.high, confidence=confidence, method=wide.method) if wide else None
    )
    return estimate.model_copy(update={"p_adjusted": found.adjusted_p, "simultaneous": together})


def _equivalence(found: AdjustedComparison, plan: ComparisonSettings) -> Equivalence | None:
    tested, posterior = found.comparison.equivalence, found.comparison.rope
    if tested is None or posterior is None or found.adjusted_equivalence_p is None:
        return None
    return Equivalence(
        margin=tested.margin,
        p=tested.p,
        p_adjusted=found.adjusted_equivalence_p,
        interval=ConfidenceInterval(
            low=tested.low, high=tested.high, confidence=round(1 - 2 * plan.alpha, 12), method=tested.method
        ),
        below=posterior.below,
        within=posterior.within,
        above=posterior.above,
        method=tested.method,
        posterior_method=posterior.method,
    )


def _detectable(one: PairComparison, plan: ComparisonSettings) -> DetectableDifference | None:
    both, effect = one.two_source, one.detectable
    if not isinstance(both, TwoSourceComparison) or effect is None:
        return None
    test_df = one.covariance.test_df
    wanted = None
    if plan.margin is not None:
        seed_sd = (both.seed_variance * both.seeds) ** 0.5
        wanted = seeds_for_half_width(
            seed_sd, both.test_variance, plan.margin, test_df=test_df, confidence=plan.confidence
        )
    return DetectableDifference(
        critical_difference=critical_value(both.df, plan.confidence) * both.se,
        minimum_detectable=effect.effect,
        power=effect.power,
        limit_half_width=critical_value(test_df, plan.confidence) * both.se_limit,
        seeds_for_margin=wanted.seeds if wanted else None,
        more_seeds_can_help=wanted.seeds is not None if wanted else None,
        method=effect.method,
    )


def _exact(found: ExactTest | UnderpoweredByDesign | Degenerate | None) -> DistributionFreeTest | None:
    if isinstance(found, ExactTest):
        return DistributionFreeTest(p=found.p, minimum_p=found.minimum_p, method=found.method)
    if isinstance(found, UnderpoweredByDesign):
        return DistributionFreeTest(
            p=None, minimum_p=found.minimum_p, seeds_needed=found.seeds_needed, method=found.method
        )
    return None


def _effects(one: PairComparison) -> dict[str, EffectSize]:
    effects: dict[str, EffectSize] = {}
    if isinstance(found := one.effect, StandardisedDifference):
        interval = ConfidenceInterval(low=found.low, high=found.high, confidence=found.confidence, method=found.method)
        effects["standardized"] = EffectSize(value=found.d_z, interval=interval, method=found.method)
        effects["hedges"] = EffectSize(value=found.hedges, method=found.method)
    if (share := one.superiority) is not None:
        interval = ConfidenceInterval(low=share.low, high=share.high, confidence=share.confidence, method=share.method)
        effects["superiority"] = EffectSize(value=share.probability, interval=interval, method=share.method)
    return effects


def _relative(metric: str, a: list[float], b: list[float]) -> float | None:
    if metric not in ("auc", "gauc") or not a:
        return None
    base = sum(b) / len(b)
    return relative_improvement(sum(a) / len(a), base) if base > 0.5 else None


def _direction(metric: str) -> Literal["maximize", "minimize", "none"]:
    return next(direction for name, direction in METRIC_DIRECTIONS.items() if name == metric)
