"""Published numbers of methods that the report refuses or leaves to the planner, from the libraries that offer them.

The report never shows a pooled t-test, a percentile bootstrap or an interim look. What the documentation says of them,
and the planning of seeds, rests on these functions, so their numbers are held as well.
"""

from typing import Literal

import numpy as np
import pytest
from opda.nonparametric import EmpiricalDistribution
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

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
    ("test", "d", "power", "seeds"),
    [(TTestPower, 0.5, 0.8, 33.36713), (TTestIndPower, 0.5, 0.8, 63.76561), (TTestIndPower, 1.0, 0.9, 22.02109)],
    ids=["paired", "two groups", "two groups, larger"],
)
def test_seeds_that_find_a_standardized_difference(
    test: type[TTestPower | TTestIndPower], d: float, power: float, seeds: float
) -> None:
    assert test().solve_power(effect_size=d, alpha=0.05, power=power) == pytest.approx(seeds, abs=5e-5)


def test_noether_sample_size_of_bouthillier() -> None:
    """Seeds that tell P(A > B) = .75 from one half, both errors at 5 %."""
    error = stats.norm.isf(0.05)
    assert (2 * error / (np.sqrt(6) * 0.25)) ** 2 == pytest.approx(28.859, abs=5e-4)


def test_expected_best_of_four_scores() -> None:
    """V of Dodge et al. 2019 draws with replacement, U of 2021 without; a report shows U."""
    scores = EmpiricalDistribution(np.array([0.1, 0.2, 0.3, 0.4]))
    trials = np.array([1, 2, 4])
    assert scores.v_tuning_curve(trials) == pytest.approx((0.25, 0.3125, 0.36171875), abs=1e-12)
    assert scores.u_tuning_curve(trials) == pytest.approx((0.25, 1 / 3, 0.4), abs=1e-12)


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
