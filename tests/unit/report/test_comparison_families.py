"""Families of comparisons of three models: pairing by seed, correction, verdicts, and documented method ids."""

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
SETTINGS = ComparisonSettings(margin=0.02)


def simulate_three_models() -> tuple[FloatArray, FloatArray]:
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
    labels, scores = simulate_three_models()
    return covariance_from_scores(metric, labels, scores)


def runs(name: str) -> ModelRuns:
    first = list(STRENGTH).index(name) * len(SEEDS)
    return ModelRuns(name, SEEDS, tuple(range(first, first + len(SEEDS))))


def method_ids(value: object) -> Iterator[str]:
    """Yield every `method` in a tree of results."""
    if is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            if field.name == "method":
                yield inner
            yield from method_ids(inner)


def test_simulated_models_get_the_verdicts_of_their_true_differences() -> None:
    all_runs = covariance()
    pairs = [("good", "weak"), ("weak", "good"), ("good", "same")]
    family = compare_family(
        [compare_pair(runs(a), runs(b), all_runs, SETTINGS, len(pairs)) for a, b in pairs], SETTINGS
    )
    kinds = [member.verdict.kind for member in family if member.verdict is not None]
    assert kinds == [VerdictKind.BETTER, VerdictKind.WORSE, VerdictKind.EQUIVALENT]


def test_every_result_has_a_documented_method() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(), SETTINGS)
    ids = set(method_ids(compare_family([pair], SETTINGS)[0]))
    assert {"or-hillis-shared-seeds", "influence-iid", "tost", "verdict-table-1"} <= ids
    assert ids <= METHODS.keys()
    assert all(METHODS[method].version for method in ids)


def test_correction_over_the_planned_family_raises_p_and_widens_intervals() -> None:
    all_runs = covariance()
    pair = compare_pair(runs("good"), runs("same"), all_runs, SETTINGS)
    alone, in_family_of_four = compare_family([pair], SETTINGS)[0], compare_family([pair] * 4, SETTINGS)[0]
    assert alone.adjusted_p is not None
    assert in_family_of_four.adjusted_p == pytest.approx(min(4 * alone.adjusted_p, 1.0))
    assert alone.simultaneous is not None
    assert in_family_of_four.simultaneous is not None
    assert in_family_of_four.simultaneous.low < alone.simultaneous.low
    uncorrected = compare_family([pair] * 4, replace(SETTINGS, correction=Correction.NONE))[0]
    assert uncorrected.adjusted_p == alone.adjusted_p
    assert uncorrected.simultaneous == alone.simultaneous


def test_seed_that_only_one_model_finished_is_omitted_from_the_pair() -> None:
    good, weak = runs("good"), runs("weak")
    shorter = ModelRuns("weak", weak.seeds[1:], weak.runs[1:])
    result = compare_pair(good, shorter, covariance(), SETTINGS)
    assert result.seeds == SEEDS[1:]
    assert not isinstance(result.two_source, Degenerate)
    assert result.two_source.seeds == 7


def test_runs_are_paired_by_seed_and_not_by_order() -> None:
    good, weak = runs("good"), runs("weak")
    reversed_runs = ModelRuns("weak", weak.seeds[::-1], weak.runs[::-1])
    all_runs = covariance()
    ordered, reordered = (compare_pair(good, other, all_runs, SETTINGS).two_source for other in (weak, reversed_runs))
    assert not isinstance(ordered, Degenerate)
    assert not isinstance(reordered, Degenerate)
    assert reordered.p == pytest.approx(ordered.p)


def test_models_of_different_execution_modes_are_rejected() -> None:
    alone, together = replace(runs("good"), mode="plain"), replace(runs("weak"), mode="batched")
    with pytest.raises(MixedModes, match=r"good plain \(seeds .*\) and weak batched \(seeds"):
        compare_pair(alone, together, covariance(), SETTINGS)


def test_models_without_shared_seeds_are_compared_as_unshared() -> None:
    weak = runs("weak")
    other = ModelRuns("weak", tuple(seed + 100 for seed in weak.seeds), weak.runs)
    result = compare_pair(runs("good"), other, covariance(), SETTINGS)
    assert result.two_source.method == "or-unshared-seeds"
    assert isinstance(result.test_set_only, WelchT)
    assert result.seeds == ()


def test_after_an_extension_the_spread_is_that_of_the_pilot_regardless_of_seed_order() -> None:
    settings = replace(SETTINGS, pilot_seeds=SEEDS[-5:])
    result = compare_pair(runs("good"), runs("weak"), covariance(), settings)
    assert not isinstance(result.two_source, Degenerate)
    assert (result.two_source.seeds, result.two_source.spread_seeds) == (8, 5)
    assert result.seeds == SEEDS[-5:] + SEEDS[:3]


def test_metric_without_a_direction_of_improvement_gets_no_verdict() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(Metric.PCOC), SETTINGS)
    member = compare_family([pair], SETTINGS)[0]
    assert member.verdict is None
    assert member.adjusted_p is not None


def test_model_with_one_seed_is_degenerate_and_counts_in_the_family() -> None:
    good, weak = runs("good"), runs("weak")
    single = compare_pair(
        ModelRuns("good", good.seeds[:1], good.runs[:1]),
        ModelRuns("weak", weak.seeds[:1], weak.runs[:1]),
        covariance(),
        SETTINGS,
    )
    complete = compare_pair(good, runs("same"), covariance(), SETTINGS)
    family = compare_family([single, complete], SETTINGS)
    assert family[0].verdict is not None
    assert family[0].verdict.kind is VerdictKind.DEGENERATE
    assert not isinstance(complete.two_source, Degenerate)
    assert family[1].adjusted_p == pytest.approx(min(2 * complete.two_source.p, 1.0))


def test_five_seeds_are_too_few_for_a_sign_test() -> None:
    good, weak = runs("good"), runs("weak")
    result = compare_pair(
        ModelRuns("good", good.seeds[:5], good.runs[:5]),
        ModelRuns("weak", weak.seeds[:5], weak.runs[:5]),
        covariance(),
        SETTINGS,
    )
    assert isinstance(result.distribution_free, UnderpoweredByDesign)
    assert isinstance(result.signed_rank, UnderpoweredByDesign)


def test_eight_seeds_suffice_for_both_exact_tests_unless_the_family_is_large() -> None:
    pair = compare_pair(runs("good"), runs("weak"), covariance(), SETTINGS)
    for test in (pair.distribution_free, pair.signed_rank):
        assert isinstance(test, ExactTest)
        assert test.minimum_p <= test.p <= 1
    in_a_large_family = compare_pair(runs("good"), runs("weak"), covariance(), SETTINGS, comparisons=7)
    for underpowered in (in_a_large_family.distribution_free, in_a_large_family.signed_rank):
        assert isinstance(underpowered, UnderpoweredByDesign)
        assert underpowered.seeds_needed == 9


def test_runs_and_seeds_must_match() -> None:
    with pytest.raises(MisalignedInput, match="each seed needs one run"):
        compare_pair(ModelRuns("good", (1, 1), (0, 1)), ModelRuns("weak", (1, 2), (2, 3)), covariance(), SETTINGS)
    with pytest.raises(TooFewSeeds, match="no finished run"):
        compare_pair(ModelRuns("good", (), ()), runs("weak"), covariance(), SETTINGS)
