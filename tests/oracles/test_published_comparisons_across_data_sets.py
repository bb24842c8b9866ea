"""Demsar's tables, and the expected-best scores of small samples."""

import numpy as np
import pytest

from ctrlab_report.statistics.across_datasets import critical_difference, friedman
from ctrlab_report.statistics.tuning_curve import expected_best

DEMSAR_TABLE_6 = [3.143, 2.000, 2.893, 1.964]


def test_friedman_and_iman_davenport_of_demsar() -> None:
    result = friedman(DEMSAR_TABLE_6, 14)
    assert result.chi2 == pytest.approx(9.28, abs=5e-3)
    assert result.f == pytest.approx(3.69, abs=5e-3)


@pytest.mark.parametrize(("alpha", "difference"), [(0.05, 1.2536), (0.10, 1.1181)])
def test_nemenyi_critical_difference_of_demsar(alpha: float, difference: float) -> None:
    assert critical_difference(DEMSAR_TABLE_6, 14, alpha=alpha).difference == pytest.approx(difference, abs=5e-5)


def test_expected_best_of_four_scores() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    assert expected_best(scores, [1, 2, 4], unbiased=False) == pytest.approx((0.25, 0.3125, 0.36171875), abs=1e-12)
    assert expected_best(scores, [1, 2, 4]) == pytest.approx((0.25, 1 / 3, 0.4), abs=1e-12)
