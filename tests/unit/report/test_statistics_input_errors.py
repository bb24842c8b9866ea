"""Invalid input raises a typed error that names the value; input without variation gives `Degenerate`."""

from collections.abc import Callable

import numpy as np
import pytest

from ctrlab_report.statistics import errors
from ctrlab_report.statistics.confidence_intervals import bca_interval, t_interval
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.effect_sizes import relative_improvement, standardized_difference
from ctrlab_report.statistics.equivalence import tost
from ctrlab_report.statistics.influence import compute_influence
from ctrlab_report.statistics.multiple_datasets import bayesian_signed_rank, friedman_test, mean_ranks
from ctrlab_report.statistics.multiple_testing import holm
from ctrlab_report.statistics.obuchowski_rockette import (
    compare_shared_seeds,
    compare_unshared_seeds,
    estimate_model_mean,
)
from ctrlab_report.statistics.paired_tests import (
    UnderpoweredByDesign,
    paired_t,
    sign_flip,
    wilcoxon_signed_rank,
)
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.run_anomalies import failure_rate, grubbs_test
from ctrlab_report.statistics.single_run_estimates import compare_single_runs
from ctrlab_report.statistics.stein_two_stage import stein_two_stage
from ctrlab_report.statistics.supported_metrics import Metric
from ctrlab_report.statistics.tuning_curves import tuning_curve
from ctrlab_report.statistics.unpaired_tests import welch_t

LABELS = [0, 1, 0, 1, 1]
SCORES = [0.1, 0.9, 0.4, 0.3, 0.6]
UNIT = np.eye(4)

INVALID_INPUTS: list[tuple[type[errors.StatisticsError], str, Callable[[], object]]] = [
    (errors.OneClass, "0 clicks in 3 rows", lambda: compute_influence(Metric.AUC, [0, 0, 0], [0.1, 0.2, 0.3])),
    (errors.OutOfRange, "row 2 is 3", lambda: compute_influence(Metric.AUC, [0, 1, 3], [0.1, 0.2, 0.3])),
    (errors.MisalignedInput, r"\(4,\) for 5 labels", lambda: compute_influence(Metric.AUC, LABELS, SCORES[:4])),
    (
        errors.NotFinite,
        "run 1, row 4 is nan",
        lambda: compute_influence(Metric.AUC, LABELS, [SCORES, [*SCORES[:4], np.nan]]),
    ),
    (errors.NotFinite, "row 0 is inf", lambda: compute_influence(Metric.AUC, LABELS, [np.inf, 1, -np.inf, 2, 3])),
    (errors.OutOfRange, r"\[-1, 2\]", lambda: compute_influence(Metric.LOGLOSS, LABELS, [-1, 2, 0.5, 0.5, 0.5])),
    (errors.MisalignedInput, "rows of at least 2 users", lambda: compute_influence(Metric.GAUC, LABELS, SCORES)),
    (
        errors.OneClass,
        "no user has both",
        lambda: compute_influence(Metric.GAUC, LABELS, SCORES, users=cluster_rows([0, 1, 0, 1, 1])),
    ),
    (errors.MisalignedInput, "found none", lambda: covariance_from_scores(Metric.AUC, LABELS, [])),
    (
        errors.TooFewRows,
        "found 1 independent",
        lambda: covariance_from_scores(Metric.AUC, [0, 0, 1], [[0.1, 0.2, 0.3]]),
    ),
    (errors.TooFewRows, "found 1 distinct", lambda: cluster_rows(["a", "a"])),
    (
        errors.MisalignedInput,
        "lengths 5 and 4",
        lambda: covariance_from_scores(Metric.AUC, LABELS, [SCORES], clusters=cluster_rows([1, 2, 3, 4])),
    ),
    (errors.MisalignedInput, "lengths 3 and 2", lambda: compare_shared_seeds([1, 2, 3], [1, 2], UNIT)),
    (errors.MisalignedInput, r"shape \(4, 4\), expected 6", lambda: compare_shared_seeds([1, 2, 3], [1, 2, 4], UNIT)),
    (errors.NotFinite, "metric of A: entry 1 is nan", lambda: paired_t([1, np.nan], [1, 2])),
    (errors.TooFewSeeds, "pilot seeds: found 1", lambda: compare_shared_seeds([1, 2], [1, 1], UNIT, pilot_seeds=1)),
    (
        errors.MisalignedInput,
        "found 1, expected 2",
        lambda: compare_single_runs(covariance_from_scores(Metric.AUC, LABELS, [SCORES])),
    ),
    (errors.TooFewSeeds, "found 19 seeds, needs 20", lambda: bca_interval(np.arange(19.0))),
    (errors.OutOfRange, "confidence: found 1.5", lambda: t_interval([1, 2, 3], confidence=1.5)),
    (errors.OutOfRange, "margin: found 0", lambda: tost(0.1, 0.1, 5, 0.0)),
    (errors.OutOfRange, "entry 1 is 1.2", lambda: holm([0.1, 1.2])),
    (errors.OutOfRange, "base AUC is 0.5", lambda: relative_improvement(0.6, 0.5)),
    (errors.OutOfRange, "3 of 2 runs", lambda: failure_rate(3, 2)),
    (errors.TooFewTrials, "found 3, needs 5", lambda: tuning_curve([0.1, 0.2, 0.3])),
    (errors.TooFewDataSets, "found 4, needs 5", lambda: mean_ranks(np.ones((4, 3)))),
    (errors.TooFewDataSets, "found 2, needs 5", lambda: friedman_test([1.0, 2.0], 2)),
    (
        errors.NotFinite,
        "data set 1, model 0",
        lambda: mean_ranks(np.array([[1, 2], [np.nan, 1], [1, 2], [1, 2], [1, 2]])),
    ),
    (errors.MisalignedInput, "found 5 and 6", lambda: bayesian_signed_rank(np.ones(5), np.ones(6), 0.1)),
    (errors.OutOfRange, "seeds.max: found 4", lambda: stein_two_stage({}, pilot=5, maximum=4, half_width=1.0)),
]


@pytest.mark.parametrize(("kind", "message", "call"), INVALID_INPUTS)
def test_invalid_input_raises_an_error_that_names_it(
    kind: type[errors.StatisticsError], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(kind, match=message):
        call()


DEGENERATE_INPUTS: list[tuple[str, Callable[[], object]]] = [
    ("one seed", lambda: compare_shared_seeds([0.7], [0.6], np.eye(2))),
    ("one seed", lambda: compare_unshared_seeds([0.7], [0.6, 0.7], np.eye(3))),
    ("one seed", lambda: estimate_model_mean([0.7], np.eye(1))),
    ("one seed", lambda: paired_t([0.7], [0.6])),
    ("one seed", lambda: sign_flip([0.7], [0.6])),
    ("one seed", lambda: wilcoxon_signed_rank([0.7], [0.6])),
    ("one seed", lambda: welch_t([0.7], [0.6, 0.65])),
    ("one seed", lambda: t_interval([0.7])),
    ("do not differ", lambda: compare_shared_seeds([0.7, 0.8], [0.6, 0.7], UNIT)),
    ("do not differ", lambda: estimate_model_mean([0.7, 0.7], np.eye(2))),
    ("same for every seed", lambda: paired_t([0.7, 0.8], [0.6, 0.7])),
    ("do not differ", lambda: welch_t([0.7, 0.7], [0.6, 0.6])),
    ("do not differ", lambda: t_interval([0.7, 0.7, 0.7])),
    ("do not vary", lambda: standardized_difference([0.7, 0.8], [0.7, 0.8])),
    ("needs three seeds", lambda: grubbs_test([1, 2])),
    (
        "same influence",
        lambda: compare_single_runs(covariance_from_scores(Metric.AUC, LABELS, [SCORES, np.multiply(SCORES, 0.5)])),
    ),
]


@pytest.mark.parametrize(("reason", "call"), DEGENERATE_INPUTS)
def test_input_without_variation_has_no_p_value(reason: str, call: Callable[[], object]) -> None:
    result = call()
    assert isinstance(result, Degenerate)
    assert reason in result.reason


@pytest.mark.parametrize(("comparisons", "needed"), [(1, 6), (4, 8), (10, 9)])
def test_sign_test_that_cannot_reach_alpha_is_not_run(comparisons: int, needed: int) -> None:
    for test in (sign_flip, wilcoxon_signed_rank):
        result = test([1, 2, 3, 4.5, 7], [0, 0, 0, 0, 0], comparisons=comparisons)
        assert isinstance(result, UnderpoweredByDesign)
        assert (result.minimum_p, result.seeds_needed) == (0.0625, needed)
