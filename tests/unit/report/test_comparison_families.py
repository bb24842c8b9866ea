"""Three models on shared rows: pairing by seed, correction over the family, verdicts, and ids that lead to a method."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache

import numpy as np
import pytest

from ctrlab_report.statistics.covariance import MetricCovariance, covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.errors import MisalignedInput, MixedModes, TooFewSeeds
from ctrlab_report.statistics.input_checks import FloatArray
from ctrlab_report.statistics.method_registry import METHODS
from ctrlab_report.statistics.model_comparison import (
    ComparisonSettings,
    ModelRuns,
    compare_family,
    compare_pair,
)
from ctrlab_report.statistics.multiple_testing import Correction
from ctrlab_report.statistics.paired_tests import ExactTest, UnderpoweredByDesign
from ctrlab_report.statistics.supported_metrics import Metric
from ctrlab_report.statistics.unpaired_tests import WelchT
from ctrlab_report.statistics.verdict_table import VerdictKind

SEEDS = (11, 12, 13, 14, 15, 16, 17, 18)
STRENGTH = {"good": 2.0, "same": 1.98, "weak": 1.2}
PLAN = ComparisonSettings(margin=0.02)


def scores_of_three_models() -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(7)
    labels = (np.arange(4000) % 4 == 0).astype(np.float64)
    shared = rng.normal(size=labels.size)
    logits = [
        strength * (labels - 0.5) + shared + 0.1 * rng.normal(size=labels.size) + 0.05 * rng.normal()
        for strength in STRENGTH.values()
        for _ in SEEDS
    ]
    return labels, 1.0 / (1.0 + np.exp(-np.array(logits)))


@cache
def covariance(metric: Metric = Metric.AUC) -> MetricCovariance:
    labels, scores = scores_of_three_models()
    return covariance_from_scores(metric, labels, scores)


def runs(name: str) -> ModelRuns:
    first = list(STRENGTH).index(name) * len(SEEDS)
    return ModelRuns(name, SEEDS, tuple(range(first, first + len(SEEDS))))


def method_ids(value: object) -> Iterator[str]:
    """Every `method` in a tree of results."""
    if is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            if field.name == "method":
                yield inner
            yield from method_ids(inner)


def test_a_family_of_three_gets_the_verdicts_that_its_making_implies() -> None:
    all_runs = covariance()
    pairs = [("good", "weak"), ("weak", "good"), ("good", "same")]
    family = compare_family([compare_pair(runs(a), runs(b), all_runs, PLAN, len(pairs)) for a, b in pairs], PLAN)
    words = [member.verdict.word for member in family if member.verdict is not None]
    assert words == [VerdictKind.BETTER, VerdictKind.WORSE, VerdictKind.EQUIVALENT]


def test_every_number_leads_to_a_documented_method() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(), PLAN)
    ids = set(method_ids(compare_family([pair], PLAN)[0]))
    assert {"or-hillis-shared-seeds", "influence-iid", "tost", "verdict-table-1"} <= ids
    assert ids <= METHODS.keys()
    assert all(METHODS[method].version for method in ids)


def test_correction_makes_p_larger_and_intervals_wider_by_the_planned_family() -> None:
    all_runs = covariance()
    pair = compare_pair(runs("good"), runs("same"), all_runs, PLAN)
    alone, among_four = compare_family([pair], PLAN)[0], compare_family([pair] * 4, PLAN)[0]
    assert alone.adjusted_p is not None
    assert among_four.adjusted_p == pytest.approx(min(4 * alone.adjusted_p, 1.0))
    assert alone.simultaneous is not None
    assert among_four.simultaneous is not None
    assert among_four.simultaneous.low < alone.simultaneous.low
    uncorrected = compare_family([pair] * 4, replace(PLAN, correction=Correction.NONE))[0]
    assert uncorrected.adjusted_p == alone.adjusted_p
    assert uncorrected.simultaneous == alone.simultaneous


def test_a_seed_that_only_one_model_finished_is_left_out_of_the_pair() -> None:
    good, weak = runs("good"), runs("weak")
    shorter = ModelRuns("weak", weak.seeds[1:], weak.runs[1:])
    result = compare_pair(good, shorter, covariance(), PLAN)
    assert result.seeds == SEEDS[1:]
    assert not isinstance(result.two_source, Degenerate)
    assert result.two_source.seeds == 7


def test_pairs_follow_the_seed_and_not_the_order_of_the_runs() -> None:
    good, weak = runs("good"), runs("weak")
    turned = ModelRuns("weak", weak.seeds[::-1], weak.runs[::-1])
    all_runs = covariance()
    straight, crossed = (compare_pair(good, other, all_runs, PLAN).two_source for other in (weak, turned))
    assert not isinstance(straight, Degenerate)
    assert not isinstance(crossed, Degenerate)
    assert crossed.p == pytest.approx(straight.p)


def test_models_of_different_execution_modes_are_refused() -> None:
    alone, together = replace(runs("good"), mode="plain"), replace(runs("weak"), mode="batched")
    with pytest.raises(MixedModes, match=r"good plain \(seeds .*\) and weak batched \(seeds"):
        compare_pair(alone, together, covariance(), PLAN)


def test_models_without_shared_seeds_are_compared_as_unshared() -> None:
    weak = runs("weak")
    other = ModelRuns("weak", tuple(seed + 100 for seed in weak.seeds), weak.runs)
    result = compare_pair(runs("good"), other, covariance(), PLAN)
    assert result.two_source.method == "or-unshared-seeds"
    assert isinstance(result.test_set_only, WelchT)
    assert result.seeds == ()


def test_after_an_extension_the_spread_is_the_pilots_wherever_its_seeds_stand() -> None:
    plan = replace(PLAN, pilot_seeds=SEEDS[-5:])
    result = compare_pair(runs("good"), runs("weak"), covariance(), plan)
    assert not isinstance(result.two_source, Degenerate)
    assert (result.two_source.seeds, result.two_source.spread_seeds) == (8, 5)
    assert result.seeds == SEEDS[-5:] + SEEDS[:3]


def test_a_metric_without_a_good_direction_gets_no_verdict() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(Metric.PCOC), PLAN)
    member = compare_family([pair], PLAN)[0]
    assert member.verdict is None
    assert member.adjusted_p is not None


def test_a_model_with_one_seed_is_degenerate_and_still_counts_in_the_family() -> None:
    good, weak = runs("good"), runs("weak")
    single = compare_pair(
        ModelRuns("good", good.seeds[:1], good.runs[:1]),
        ModelRuns("weak", weak.seeds[:1], weak.runs[:1]),
        covariance(),
        PLAN,
    )
    whole = compare_pair(good, runs("same"), covariance(), PLAN)
    family = compare_family([single, whole], PLAN)
    assert family[0].verdict is not None
    assert family[0].verdict.word is VerdictKind.DEGENERATE
    assert not isinstance(whole.two_source, Degenerate)
    assert family[1].adjusted_p == pytest.approx(min(2 * whole.two_source.p, 1.0))


def test_five_seeds_cannot_carry_a_sign_test() -> None:
    good, weak = runs("good"), runs("weak")
    result = compare_pair(
        ModelRuns("good", good.seeds[:5], good.runs[:5]),
        ModelRuns("weak", weak.seeds[:5], weak.runs[:5]),
        covariance(),
        PLAN,
    )
    assert isinstance(result.distribution_free, UnderpoweredByDesign)
    assert isinstance(result.signed_rank, UnderpoweredByDesign)


def test_eight_seeds_carry_both_exact_tests_until_the_family_grows() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(), PLAN)
    for found in (pair.distribution_free, pair.signed_rank):
        assert isinstance(found, ExactTest)
        assert found.minimum_p <= found.p <= 1
    in_a_large_family = compare_pair(runs("good"), runs("weak"), covariance(), PLAN, comparisons=7)
    for refused in (in_a_large_family.distribution_free, in_a_large_family.signed_rank):
        assert isinstance(refused, UnderpoweredByDesign)
        assert refused.seeds_needed == 9


def test_runs_and_seeds_must_fit_together() -> None:
    with pytest.raises(MisalignedInput, match="each seed needs one run"):
        compare_pair(ModelRuns("good", (1, 1), (0, 1)), ModelRuns("weak", (1, 2), (2, 3)), covariance(), PLAN)
    with pytest.raises(TooFewSeeds, match="no finished run"):
        compare_pair(ModelRuns("good", (), ()), runs("weak"), covariance(), PLAN)
