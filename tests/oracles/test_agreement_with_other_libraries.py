"""Agreement with scikit-learn, statsmodels, MLstatkit, pingouin and baycomp; the last three only if installed."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.nonparametric import rank_compare_2indep

from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.delong_placements import auc
from ctrlab_report.statistics.effect_sizes import standardized_difference
from ctrlab_report.statistics.input_checks import FloatArray, IntArray
from ctrlab_report.statistics.multiple_datasets import bayesian_signed_rank
from ctrlab_report.statistics.paired_tests import paired_t
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.single_run_estimates import compare_single_runs
from ctrlab_report.statistics.supported_metrics import Metric


def two_runs(rows: int = 600) -> tuple[IntArray, FloatArray, IntArray]:
    """Return labels, probabilities of two runs with ties, and users with correlated errors."""
    rng = np.random.default_rng(5)
    users = rng.integers(0, 40, rows)
    labels = (rng.random(rows) < 0.3).astype(np.int64)
    logits = labels - 0.5 + rng.normal(size=(2, 40))[:, users] + rng.normal(size=(2, rows))
    return labels, np.round(1 / (1 + np.exp(-logits)), 2).clip(0.01, 0.99), users


def optional(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed; it only cross-checks", exc_type=ImportError)


def test_auc_agrees_with_scikit_learn() -> None:
    labels, scores, _ = two_runs()
    for run in scores:
        assert auc(labels == 1, run.astype(np.float32)) == pytest.approx(roc_auc_score(labels, run), abs=1e-14)


def test_one_auc_has_the_delong_variance_of_statsmodels() -> None:
    labels, scores, _ = two_runs()
    ours = covariance_from_scores(Metric.AUC, labels, [scores[0]])
    theirs = rank_compare_2indep(scores[0][labels == 1], scores[0][labels == 0], use_t=False)
    assert ours.estimates[0] == pytest.approx(theirs.prob1)
    assert ours.matrix[0, 0] == pytest.approx(theirs.var / labels.size, rel=1e-10)


def test_clustered_logloss_has_the_cluster_robust_error_of_statsmodels() -> None:
    labels, scores, users = two_runs()
    ours = compare_single_runs(covariance_from_scores(Metric.LOGLOSS, labels, [scores], clusters=cluster_rows(users)))
    assert not isinstance(ours, Degenerate)
    losses = -np.where(labels == 1, np.log(scores), np.log1p(-scores))
    rows = labels.size
    fit = OLS(losses[0] - losses[1], np.ones(rows)).fit(cov_type="cluster", cov_kwds={"groups": users}, use_t=True)
    assert ours.estimate == pytest.approx(fit.params[0], rel=1e-12)
    assert ours.se == pytest.approx(fit.bse[0], rel=1e-12)
    assert ours.p == pytest.approx(fit.pvalues[0], rel=1e-10)


def test_delong_agrees_with_mlstatkit() -> None:
    library = optional("MLstatkit")
    labels, scores, _ = two_runs()
    ours = compare_single_runs(covariance_from_scores(Metric.AUC, labels, [scores]))
    assert not isinstance(ours, Degenerate)
    z, p = library.Delong_test(labels, scores[0], scores[1])[:2]
    assert (abs(ours.statistic), ours.p) == pytest.approx((abs(z), p), rel=1e-8)


@pytest.mark.filterwarnings("ignore")
def test_paired_t_and_effect_agree_with_pingouin() -> None:
    library = optional("pingouin")
    a, b = np.random.default_rng(2).normal(0.7, 0.01, (2, 9))
    theirs = library.ttest(a, b, paired=True)
    ours, effect = paired_t(a, b), standardized_difference(a, b)
    assert not isinstance(ours, Degenerate)
    assert not isinstance(effect, Degenerate)
    assert ours.statistic == pytest.approx(float(theirs["T"].iloc[0]), abs=1e-6)
    # The d of pingouin is d_av; d_z follows from its t.
    assert effect.d_z == pytest.approx(float(theirs["T"].iloc[0]) / 3.0, abs=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_bayesian_signed_rank_agrees_with_baycomp() -> None:
    library = optional("baycomp")
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.7, 0.05, (2, 10))
    ours = bayesian_signed_rank(a, b, 0.01)
    left, rope, right = library.SignedRankTest.probs(a, b, rope=0.01, random_state=1)
    assert (ours.a_better, ours.equal, ours.b_better) == pytest.approx((left, rope, right), abs=0.02)
