"""All planned analyses of two models on one metric, from one covariance of all runs.

The primary result is the two-source comparison; the others are the paired t-test on this test set, two
distribution-free tests, effect sizes, equivalence and the minimum detectable effect. `compare_family` adds the
correction over all planned pairs and the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_report.statistics.confidence_intervals import ConfidenceBounds, bonferroni_interval
from ctrlab_report.statistics.covariance import MetricCovariance
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.effect_sizes import (
    ProbabilityOfSuperiority,
    StandardizedDifference,
    probability_of_superiority,
    standardized_difference,
)
from ctrlab_report.statistics.equivalence import RopePosterior, TostResult, rope_posterior, tost
from ctrlab_report.statistics.errors import MisalignedInput, MixedModes, TooFewSeeds
from ctrlab_report.statistics.multiple_testing import Correction, adjust
from ctrlab_report.statistics.obuchowski_rockette import compare_shared_seeds, compare_unshared_seeds
from ctrlab_report.statistics.paired_tests import (
    ExactTest,
    PairedT,
    UnderpoweredByDesign,
    paired_t,
    sign_flip,
    wilcoxon_signed_rank,
)
from ctrlab_report.statistics.power_and_precision import DetectableEffect, minimum_detectable_effect
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison
from ctrlab_report.statistics.unpaired_tests import WelchT, welch_t
from ctrlab_report.statistics.verdict_table import Evidence, ReplicateUnit, Verdict, decide_verdict


@dataclass(frozen=True)
class ModelRuns:
    """The finished runs of one model: `seeds[i]` is the run with index `runs[i]` in the covariance."""

    name: str
    seeds: tuple[int, ...]
    runs: tuple[int, ...]
    mode: str | None = None
    """Execution mode of all the runs; None unless models of several experiments are compared."""


@dataclass(frozen=True)
class ComparisonSettings:
    """Settings fixed before the test set was opened.

    `margin` is in metric units, None if none was planned; `pilot_seeds` are the seeds of the pilot after a two-stage
    extension, empty without one. `unit` is the unit of replication, one run of the covariance: a seed, or with several
    studies the average over the runs of a study.
    """

    confidence: float = 0.95
    margin: float | None = None
    correction: Correction = Correction.HOLM
    pilot_seeds: tuple[int, ...] = ()
    unit: ReplicateUnit = "seeds"

    @property
    def alpha(self) -> float:
        """1 - confidence, rounded to remove binary representation error."""
        return round(1.0 - self.confidence, 12)


@dataclass(frozen=True)
class PairComparison:
    """Analyses of A against B on one metric; `seeds` are the shared seeds, empty if there are fewer than two.

    `equivalence` and `rope` need a margin; all fields after `test_set_only` need spread between shared seeds.
    """

    a: str
    b: str
    covariance: MetricCovariance
    seeds: tuple[int, ...]
    two_source: TwoSourceComparison | Degenerate
    test_set_only: PairedT | WelchT | Degenerate
    distribution_free: ExactTest | UnderpoweredByDesign | Degenerate | None
    signed_rank: ExactTest | UnderpoweredByDesign | Degenerate | None
    effect: StandardizedDifference | Degenerate | None
    superiority: ProbabilityOfSuperiority | None
    detectable: DetectableEffect | None
    equivalence: TostResult | None
    rope: RopePosterior | None


@dataclass(frozen=True)
class AdjustedComparison:
    """A comparison with p-values adjusted over the family, the simultaneous interval and the verdict.

    `verdict` is None for a metric without a direction of improvement.
    """

    comparison: PairComparison
    adjusted_p: float | None
    adjusted_test_set_only_p: float | None
    adjusted_equivalence_p: float | None
    simultaneous: ConfidenceBounds | None
    verdict: Verdict | None


def compare_pair(
    a: ModelRuns, b: ModelRuns, covariance: MetricCovariance, settings: ComparisonSettings, comparisons: int = 1
) -> PairComparison:
    """Run all analyses of A minus B; `comparisons` is the size of the planned family.

    Seeds that only one of the models finished are omitted, to keep the pairing; with fewer than two shared seeds the
    models are compared as unshared. Raises MixedModes for models that were trained in different modes.
    """
    _require_same_mode(a, b)
    common = set(a.seeds) & set(b.seeds)
    if len(common) < 2 and set(a.seeds) != set(b.seeds):
        return _compare_unshared(a, b, covariance, settings)
    pilot = [seed for seed in a.seeds if seed in common and seed in settings.pilot_seeds]
    shared = (*pilot, *(seed for seed in a.seeds if seed in common and seed not in settings.pilot_seeds))
    first, second = _run_indices(a, shared), _run_indices(b, shared)
    values_a, values_b = covariance.estimates[first], covariance.estimates[second]
    pair = covariance.select([*first, *second])
    two_source = compare_shared_seeds(
        values_a,
        values_b,
        pair.matrix,
        test_df=pair.test_df,
        confidence=settings.confidence,
        pilot_seeds=len(pilot) if settings.pilot_seeds else None,
    )
    flipped, ranked = (
        test(values_a, values_b, alpha=settings.alpha, comparisons=comparisons)
        for test in (sign_flip, wilcoxon_signed_rank)
    )
    effect = standardized_difference(values_a, values_b, confidence=settings.confidence)
    higher = covariance.metric.higher_is_better
    superiority = (
        None
        if higher is None
        else probability_of_superiority(values_a, values_b, higher_is_better=higher, confidence=settings.confidence)
    )
    return PairComparison(
        a.name,
        b.name,
        pair,
        shared,
        two_source,
        paired_t(values_a, values_b, confidence=settings.confidence),
        flipped,
        ranked,
        effect,
        superiority,
        *_from_standard_error(two_source, settings),
    )


def compare_family(
    comparisons: Sequence[PairComparison], settings: ComparisonSettings
) -> tuple[AdjustedComparison, ...]:
    """Adjust p-values over all planned comparisons of one metric, then decide each verdict; keeps the order."""
    adjusted = [
        adjust(raw, settings.correction, alpha=settings.alpha).adjusted
        for raw in (
            [_p_value(pair.two_source) for pair in comparisons],
            [_p_value(pair.test_set_only) for pair in comparisons],
            [pair.equivalence.p if pair.equivalence else None for pair in comparisons],
        )
    ]
    size = len(comparisons)
    return tuple(_adjusted_comparison(pair, p, settings, size) for pair, *p in zip(comparisons, *adjusted, strict=True))


def _adjusted_comparison(
    pair: PairComparison, adjusted: Sequence[float | None], settings: ComparisonSettings, size: int
) -> AdjustedComparison:
    p, test_set_only_p, equivalence_p = adjusted
    family_size = 1 if settings.correction is Correction.NONE else size
    two_source, higher, simultaneous, verdict = pair.two_source, pair.covariance.metric.higher_is_better, None, None
    if not isinstance(two_source, Degenerate):
        simultaneous = bonferroni_interval(
            two_source.estimate, two_source.se, two_source.df, family_size, confidence=settings.confidence
        )
    if higher is not None:
        evidence = Evidence(
            a=pair.a,
            b=pair.b,
            metric=pair.covariance.metric,
            higher_is_better=higher,
            two_source=two_source,
            adjusted_p=p,
            adjusted_test_set_only_p=test_set_only_p,
            adjusted_equivalence_p=equivalence_p,
            margin=settings.margin,
            alpha=settings.alpha,
            comparisons=family_size,
            test_df=pair.covariance.test_df,
            unit=settings.unit,
        )
        verdict = decide_verdict(evidence)
    return AdjustedComparison(pair, p, test_set_only_p, equivalence_p, simultaneous, verdict)


def _compare_unshared(
    a: ModelRuns, b: ModelRuns, covariance: MetricCovariance, settings: ComparisonSettings
) -> PairComparison:
    first, second = _run_indices(a, a.seeds), _run_indices(b, b.seeds)
    values_a, values_b = covariance.estimates[first], covariance.estimates[second]
    pair = covariance.select([*first, *second])
    two_source = compare_unshared_seeds(
        values_a, values_b, pair.matrix, test_df=pair.test_df, confidence=settings.confidence
    )
    welch = welch_t(values_a, values_b, confidence=settings.confidence)
    return PairComparison(
        a.name, b.name, pair, (), two_source, welch, None, None, None, None, *_from_standard_error(two_source, settings)
    )


def _require_same_mode(a: ModelRuns, b: ModelRuns) -> None:
    if a.mode != b.mode:
        modes = " and ".join(
            f"{model.name} {model.mode} (seeds {', '.join(map(str, model.seeds))})" for model in (a, b)
        )
        raise MixedModes(
            f"the runs were trained in different modes: {modes}; their difference would include that of the modes: "
            "run one of the experiments again with the evaluation.seedsPerPod of the other"
        )


def _from_standard_error(
    two_source: TwoSourceComparison | Degenerate, settings: ComparisonSettings
) -> tuple[DetectableEffect | None, TostResult | None, RopePosterior | None]:
    if isinstance(two_source, Degenerate):
        return None, None, None
    estimate, se, df = two_source.estimate, two_source.se, two_source.df
    detectable = minimum_detectable_effect(se, df, alpha=settings.alpha)
    if settings.margin is None:
        return detectable, None, None
    equivalence = tost(estimate, se, df, settings.margin, alpha=settings.alpha)
    return detectable, equivalence, rope_posterior(estimate, se, df, settings.margin)


def _run_indices(model: ModelRuns, seeds: tuple[int, ...]) -> list[int]:
    if not model.seeds:
        raise TooFewSeeds(f"{model.name}: found no finished run; repeat its failed runs, or remove the model")
    if len(set(model.seeds)) != len(model.seeds) or len(model.seeds) != len(model.runs):
        raise MisalignedInput(f"{model.name}: found seeds {model.seeds} for runs {model.runs}; each seed needs one run")
    by_seed = dict(zip(model.seeds, model.runs, strict=True))
    return [by_seed[seed] for seed in seeds]


def _p_value(result: TwoSourceComparison | PairedT | WelchT | Degenerate) -> float | None:
    return None if isinstance(result, Degenerate) else result.p
