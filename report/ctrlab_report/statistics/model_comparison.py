"""Everything the plan asks of two models on one metric, from one covariance of all runs.

The primary answer is the two-source comparison; beside it stand the paired t-test on this test set, two
distribution-free checks, effect sizes, equivalence and what the design could have detected. `compare_family` adds the
correction over all planned pairs and the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_report.statistics.confidence_intervals import ConfidenceInterval, bonferroni_interval
from ctrlab_report.statistics.covariance import MetricCovariance
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.effect_sizes import (
    ProbabilityOfSuperiority,
    StandardisedDifference,
    probability_of_superiority,
    standardised_difference,
)
from ctrlab_report.statistics.equivalence import Equivalence, RopePosterior, rope_posterior, tost
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
    """The finished runs of one model: `seeds[i]` was run number `runs[i]` of the covariance."""

    name: str
    seeds: tuple[int, ...]
    runs: tuple[int, ...]
    mode: str | None = None
    """How all of them were trained, where models of several experiments are compared."""


@dataclass(frozen=True)
class ComparisonSettings:
    """What was fixed before the test set was opened.

    `margin` in metric units, None if the user named none; `pilot_seeds` are the seeds of the pilot after a two-stage
    extension, empty without one. `unit` is what a run of the covariance stands for: the average over the runs of a
    search where there are several searches.
    """

    confidence: float = 0.95
    margin: float | None = None
    correction: Correction = Correction.HOLM
    pilot_seeds: tuple[int, ...] = ()
    unit: ReplicateUnit = "seeds"

    @property
    def alpha(self) -> float:
        """1 - confidence, without the dust of binary fractions."""
        return round(1.0 - self.confidence, 12)


@dataclass(frozen=True)
class PairComparison:
    """A against B on one metric; `seeds` are those compared, empty where the models share fewer than two.

    `equivalence` and `rope` need a margin; everything after `test_set_only` needs spread between shared seeds.
    """

    a: str
    b: str
    covariance: MetricCovariance
    seeds: tuple[int, ...]
    two_source: TwoSourceComparison | Degenerate
    test_set_only: PairedT | WelchT | Degenerate
    distribution_free: ExactTest | UnderpoweredByDesign | Degenerate | None
    signed_rank: ExactTest | UnderpoweredByDesign | Degenerate | None
    effect: StandardisedDifference | Degenerate | None
    superiority: ProbabilityOfSuperiority | None
    detectable: DetectableEffect | None
    equivalence: Equivalence | None
    rope: RopePosterior | None


@dataclass(frozen=True)
class AdjustedComparison:
    """A comparison among all planned ones: p-values after correction, the simultaneous interval and the verdict.

    `verdict` is None for a metric without a good direction.
    """

    comparison: PairComparison
    adjusted_p: float | None
    adjusted_test_set_only_p: float | None
    adjusted_equivalence_p: float | None
    simultaneous: ConfidenceInterval | None
    verdict: Verdict | None


def compare_pair(
    a: ModelRuns, b: ModelRuns, covariance: MetricCovariance, plan: ComparisonSettings, comparisons: int = 1
) -> PairComparison:
    """All analyses of A minus B; `comparisons` is the size of the planned family.

    Seeds which only one of the models finished are left out, so that pairs stay pairs; with fewer than two shared seeds
    the models count as unshared. Raises MixedModes for models that were trained in different modes.
    """
    _same_mode(a, b)
    of_both = set(a.seeds) & set(b.seeds)
    if len(of_both) < 2 and set(a.seeds) != set(b.seeds):
        return _unshared(a, b, covariance, plan)
    pilot = [seed for seed in a.seeds if seed in of_both and seed in plan.pilot_seeds]
    shared = (*pilot, *(seed for seed in a.seeds if seed in of_both and seed not in plan.pilot_seeds))
    first, second = _runs_of(a, shared), _runs_of(b, shared)
    of_a, of_b = covariance.estimates[first], covariance.estimates[second]
    pair = covariance.select([*first, *second])
    two_source = compare_shared_seeds(
        of_a,
        of_b,
        pair.matrix,
        test_df=pair.test_df,
        confidence=plan.confidence,
        pilot_seeds=len(pilot) if plan.pilot_seeds else None,
    )
    flipped, ranked = (
        test(of_a, of_b, alpha=plan.alpha, comparisons=comparisons) for test in (sign_flip, wilcoxon_signed_rank)
    )
    effect = standardised_difference(of_a, of_b, confidence=plan.confidence)
    higher = covariance.metric.higher_is_better
    superiority = (
        None
        if higher is None
        else probability_of_superiority(of_a, of_b, higher_is_better=higher, confidence=plan.confidence)
    )
    return PairComparison(
        a.name,
        b.name,
        pair,
        shared,
        two_source,
        paired_t(of_a, of_b, confidence=plan.confidence),
        flipped,
        ranked,
        effect,
        superiority,
        *_from_standard_error(two_source, plan),
    )


def compare_family(comparisons: Sequence[PairComparison], plan: ComparisonSettings) -> tuple[AdjustedComparison, ...]:
    """Correct over all planned comparisons of one metric, then decide each; the order stays."""
    adjusted = [
        adjust(raw, plan.correction, alpha=plan.alpha).adjusted
        for raw in (
            [_p_of(one.two_source) for one in comparisons],
            [_p_of(one.test_set_only) for one in comparisons],
            [one.equivalence.p if one.equivalence else None for one in comparisons],
        )
    ]
    size = len(comparisons)
    return tuple(_member(one, p, plan, size) for one, *p in zip(comparisons, *adjusted, strict=True))


def _member(
    one: PairComparison, adjusted: Sequence[float | None], plan: ComparisonSettings, size: int
) -> AdjustedComparison:
    p, test_set_only_p, equivalence_p = adjusted
    counted = 1 if plan.correction is Correction.NONE else size
    two_source, higher, simultaneous, verdict = one.two_source, one.covariance.metric.higher_is_better, None, None
    if not isinstance(two_source, Degenerate):
        simultaneous = bonferroni_interval(
            two_source.estimate, two_source.se, two_source.df, counted, confidence=plan.confidence
        )
    if higher is not None:
        evidence = Evidence(
            a=one.a,
            b=one.b,
            metric=one.covariance.metric,
            higher_is_better=higher,
            two_source=two_source,
            adjusted_p=p,
            adjusted_test_set_only_p=test_set_only_p,
            adjusted_equivalence_p=equivalence_p,
            margin=plan.margin,
            alpha=plan.alpha,
            comparisons=counted,
            test_df=one.covariance.test_df,
            unit=plan.unit,
        )
        verdict = decide_verdict(evidence)
    return AdjustedComparison(one, p, test_set_only_p, equivalence_p, simultaneous, verdict)


def _unshared(a: ModelRuns, b: ModelRuns, covariance: MetricCovariance, plan: ComparisonSettings) -> PairComparison:
    first, second = _runs_of(a, a.seeds), _runs_of(b, b.seeds)
    of_a, of_b = covariance.estimates[first], covariance.estimates[second]
    pair = covariance.select([*first, *second])
    two_source = compare_unshared_seeds(of_a, of_b, pair.matrix, test_df=pair.test_df, confidence=plan.confidence)
    welch = welch_t(of_a, of_b, confidence=plan.confidence)
    return PairComparison(
        a.name, b.name, pair, (), two_source, welch, None, None, None, None, *_from_standard_error(two_source, plan)
    )


def _same_mode(a: ModelRuns, b: ModelRuns) -> None:
    if a.mode != b.mode:
        told = " and ".join(f"{one.name} {one.mode} (seeds {', '.join(map(str, one.seeds))})" for one in (a, b))
        raise MixedModes(
            f"the runs were trained in different modes: {told}; their difference would hold that of the modes: run one "
            "of the experiments again with the evaluation.seedsPerPod of the other"
        )


def _from_standard_error(
    two_source: TwoSourceComparison | Degenerate, plan: ComparisonSettings
) -> tuple[DetectableEffect | None, Equivalence | None, RopePosterior | None]:
    if isinstance(two_source, Degenerate):
        return None, None, None
    estimate, se, df = two_source.estimate, two_source.se, two_source.df
    detectable = minimum_detectable_effect(se, df, alpha=plan.alpha)
    if plan.margin is None:
        return detectable, None, None
    same = tost(estimate, se, df, plan.margin, alpha=plan.alpha)
    return detectable, same, rope_posterior(estimate, se, df, plan.margin)


def _runs_of(model: ModelRuns, seeds: tuple[int, ...]) -> list[int]:
    if not model.seeds:
        raise TooFewSeeds(f"{model.name}: found no finished run; repeat its failed runs, or take the model out")
    if len(set(model.seeds)) != len(model.seeds) or len(model.seeds) != len(model.runs):
        raise MisalignedInput(f"{model.name}: found seeds {model.seeds} for runs {model.runs}; each seed needs one run")
    by_seed = dict(zip(model.seeds, model.runs, strict=True))
    return [by_seed[seed] for seed in seeds]


def _p_of(result: TwoSourceComparison | PairedT | WelchT | Degenerate) -> float | None:
    return None if isinstance(result, Degenerate) else result.p
