"""Published numbers of methods that the report refuses or leaves to the planner, from the libraries that offer them.

The report never shows a pooled t-test, a percentile bootstrap or an interim look. What the documentation says of them,
and the planning of seeds, rests on these functions, so their numbers are held as well.
"""

from typing import Literal

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

SLEEP_A = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_B = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
# The example of R's boot package, in SciPy's tests.
BOOT = np.array([10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213])


def test_pooled_t_of_the_sleep_data() -> None:
    assert stats.ttest_ind(SLEEP_A, SLEEP_B).pvalue == pytest.approx(0.07918671, abs=5e-9)


@pytest.mark.parametrize(("method", "low", "high"), [("basic", 23.77, 79.12), ("percentile", 28.86, 84.21)])
def test_bootstrap_intervals_of_the_boot_example(
    method: Literal["basic", "percentile"], low: float, high: float
) -> None:
    rng = np.random.default_rng(0)
    found = stats.bootstrap((BOOT,), np.mean, n_resamples=999_999, batch=50_000, method=method, rng=rng)
    bounds = (found.confidence_interval.low, found.confidence_interval.high)
    assert bounds == pytest.approx((low, high), rel=0.005)


def test_power_of_two_groups_of_twenty() -> None:
    found = TTestIndPower().power(effect_size=1.0, nobs1=20, alpha=0.05)
    assert found == pytest.approx(0.8689528, abs=5e-7)


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"), [(2, 2.178, 1.977), (3, 2.289, 2.004), (5, 2.413, 2.040)]
)
def test_boundaries_of_interim_looks_spend_five_percent(looks: int, pocock: float, obrien_fleming: float) -> None:
    """Jennison and Turnbull: z at equally spaced looks has correlation sqrt(i / j); O'Brien-Fleming scales by it."""
    place = np.arange(1, looks + 1)
    correlation = np.array([[np.sqrt(min(i, j) / max(i, j)) for j in place] for i in place])
    for bounds in (np.full(looks, pocock), obrien_fleming * np.sqrt(looks / place)):
        inside = stats.multivariate_normal.cdf(
            bounds,
            cov=correlation,
            lower_limit=-bounds,
            maxpts=2_000_000,
            abseps=1e-6,
            releps=1e-6,
            rng=np.random.default_rng(2),
        )
        assert 1.0 - inside == pytest.approx(0.05, abs=1e-4)
