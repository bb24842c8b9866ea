"""Rankings over data sets, and tuning curves with their confidence bands."""

import numpy as np
import pytest

from ctrlab_report.statistics.multiple_datasets import (
    bayesian_signed_rank,
    compare_with_control,
    critical_difference,
    friedman_test,
    mean_ranks,
)
from ctrlab_report.statistics.tuning_curves import tuning_curve

# Six data sets, four models; model 0 is best everywhere, models 2 and 3 alternate.
AUC = np.array([[0.9, 0.8, 0.7, 0.6], [0.8, 0.7, 0.5, 0.6]] * 3)


def test_best_model_has_rank_one() -> None:
    assert mean_ranks(AUC).tolist() == [1.0, 2.0, 3.5, 3.5]
    assert mean_ranks(-AUC, higher_is_better=False).tolist() == [1.0, 2.0, 3.5, 3.5]


def test_consistent_ranking_is_significant_and_perfect_ranking_does_not_divide_by_zero() -> None:
    assert friedman_test(mean_ranks(AUC), 6).p < 0.001
    perfect = friedman_test([1.0, 2.0, 3.0], 6)
    assert (perfect.f, perfect.p) == (np.inf, 0.0)


def test_groups_contain_models_without_significant_difference() -> None:
    result = critical_difference([3.5, 1.0, 2.0, 3.5], 20)
    assert result.difference == pytest.approx(1.0488, abs=1e-4)
    assert result.groups == ((1, 2), (0, 3))


def test_control_is_not_compared_with_itself() -> None:
    result = compare_with_control(mean_ranks(AUC), 6, control=0)
    assert result.adjusted[0] is None
    assert result.adjusted[1] is not None
    assert result.adjusted[3] is not None
    assert result.adjusted[3] < result.adjusted[1]


def test_bayesian_signed_rank_posterior_follows_the_differences() -> None:
    better = bayesian_signed_rank(AUC[:, 0], AUC[:, 1], 0.01)
    same = bayesian_signed_rank(AUC[:, 0], AUC[:, 0] + 0.001, 0.01)
    assert better.a_better > 0.95
    assert same.equal == 1.0
    assert better.a_better + better.equal + better.b_better == pytest.approx(1.0)


def test_tuning_curve_rises_within_its_band() -> None:
    scores = np.random.default_rng(3).normal(0.7, 0.02, 12)
    curve = tuning_curve(scores)
    assert curve.trials == tuple(range(1, 13))
    assert np.all(np.diff(curve.median) >= 0)
    assert np.all(np.diff(curve.expected) >= 0)
    assert curve.expected[0] == pytest.approx(scores.mean())
    assert curve.expected[-1] == scores.max()
    assert np.all(np.array(curve.low) <= curve.median)
    assert np.all(np.array(curve.median) <= curve.high)


def test_tuning_curve_of_a_loss_falls() -> None:
    scores = np.random.default_rng(3).normal(0.4, 0.02, 12)
    falling, rising = tuning_curve(scores, minimize=True), tuning_curve(-scores)
    np.testing.assert_allclose(falling.expected, np.negative(rising.expected))
    np.testing.assert_allclose(falling.low, np.negative(rising.high))
