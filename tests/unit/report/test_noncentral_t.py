"""The noncentral t distribution is finite where SciPy's series gives NaN."""

import numpy as np
import pytest
from scipy import stats

from ctrlab_report.statistics.students_t import noncentral_t_cdf

NAN_IN_SCIPY = ((4, 40.0, -3.0), (19, 20.0, -3.0), (49, 40.0, -3.0))


@pytest.mark.parametrize(("df", "noncentrality", "statistic"), NAN_IN_SCIPY)
def test_far_tail_is_a_small_probability_and_not_nan(df: int, noncentrality: float, statistic: float) -> None:
    probability = noncentral_t_cdf(statistic, df, noncentrality)
    assert 0.0 <= probability <= stats.norm.cdf(-noncentrality)


@pytest.mark.parametrize("df", [4, 9, 30])
@pytest.mark.parametrize("noncentrality", [-1.5, 0.0, 2.0, 6.0])
@pytest.mark.parametrize("statistic", [-2.0, 0.0, 1.5, 7.0])
def test_integral_agrees_with_scipy_where_scipy_is_finite(
    monkeypatch: pytest.MonkeyPatch, df: int, noncentrality: float, statistic: float
) -> None:
    expected = float(stats.nct.cdf(statistic, df, noncentrality))
    monkeypatch.setattr(stats.nct, "cdf", lambda *_: np.nan)
    assert noncentral_t_cdf(statistic, df, noncentrality) == pytest.approx(expected, abs=1e-9)
