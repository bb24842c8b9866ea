"""Published results of tests over multiple data sets (Demsar 2006)."""

import pytest

from ctrlab_report.statistics.multiple_datasets import critical_difference, friedman_test

DEMSAR_TABLE_6 = [3.143, 2.000, 2.893, 1.964]


def test_friedman_and_iman_davenport_of_demsar() -> None:
    result = friedman_test(DEMSAR_TABLE_6, 14)
    assert result.chi2 == pytest.approx(9.28, abs=5e-3)
    assert result.f == pytest.approx(3.69, abs=5e-3)


@pytest.mark.parametrize(("alpha", "difference"), [(0.05, 1.2536), (0.10, 1.1181)])
def test_nemenyi_critical_difference_of_demsar(alpha: float, difference: float) -> None:
    assert critical_difference(DEMSAR_TABLE_6, 14, alpha=alpha).difference == pytest.approx(difference, abs=5e-5)
