"""Published results of methods with one value per seed: t-tests, ranks, corrections, power."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from ctrlab_report.statistics import confidence_intervals
from ctrlab_report.statistics.confidence_intervals import bca_interval, t_interval
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.effect_sizes import (
    hedges_factor,
    relative_improvement,
    standardized_difference,
)
from ctrlab_report.statistics.equivalence import tost
from ctrlab_report.statistics.multiple_testing import Correction, adjust
from ctrlab_report.statistics.paired_tests import (
    ExactTest,
    minimum_p,
    paired_t,
    sign_flip,
    wilcoxon_signed_rank,
)
from ctrlab_report.statistics.power_and_precision import hanley_mcneil_se, minimum_detectable_effect
from ctrlab_report.statistics.repeated_splits import corrected_resampled_t
from ctrlab_report.statistics.run_anomalies import failure_rate, grubbs_critical_value, grubbs_test
from ctrlab_report.statistics.unpaired_tests import welch_t

# Student 1908: extra hours of sleep under two drugs.
SLEEP_A = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_B = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
# Benjamini and Hochberg 1995, section 3.2.
BENJAMINI_HOCHBERG = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1,
]


@pytest.mark.parametrize(("base", "sd"), [(1000000.2, 0.09999999997671695), (10000000.2, 0.09999999962747098)])
def test_mean_and_sd_keep_the_digits_of_nist_numacc(base: float, sd: float) -> None:
    values = np.concatenate(([base], np.tile([base - 0.1, base + 0.1], 500)))
    result = t_interval(values)
    assert not isinstance(result, Degenerate)
    assert abs(result.estimate - base) <= np.spacing(base)
    assert result.sd == pytest.approx(sd, rel=1e-10)


def test_paired_t_of_the_sleep_data() -> None:
    result = paired_t(SLEEP_A, SLEEP_B)
    assert not isinstance(result, Degenerate)
    assert (result.statistic, result.df) == pytest.approx((-4.062128, 9), abs=5e-7)
    assert result.p == pytest.approx(0.002832890, abs=5e-10)
    assert (result.low, result.high) == pytest.approx((-2.459886, -0.7001142), abs=5e-7)


def test_welch_t_of_the_sleep_data() -> None:
    result = welch_t(SLEEP_A, SLEEP_B)
    assert not isinstance(result, Degenerate)
    assert (result.statistic, result.df) == pytest.approx((-1.860813, 17.77647), abs=5e-6)
    assert result.p == pytest.approx(0.07939414, abs=5e-9)
    assert (result.low, result.high) == pytest.approx((-3.365483, 0.2054832), abs=5e-7)
    assert result.estimate / result.se == pytest.approx(result.statistic)


def test_standardized_difference_of_the_sleep_data() -> None:
    result = standardized_difference(SLEEP_A, SLEEP_B)
    assert not isinstance(result, Degenerate)
    assert result.d_z == pytest.approx(-1.284558, abs=5e-7)
    assert (result.low, result.high) == pytest.approx((-2.118017, -0.4146278), abs=5e-7)
    assert result.hedges == pytest.approx(-1.284558 * 0.9138749, abs=5e-6)


@pytest.mark.parametrize(("df", "factor"), [(4, 0.7978846), (8, 0.9027033), (9, 0.9138749)])
def test_hedges_factor(df: int, factor: float) -> None:
    assert hedges_factor(df) == pytest.approx(factor, abs=5e-8)


def test_wilcoxon_of_hollander_and_wolfe() -> None:
    x = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    result = wilcoxon_signed_rank(x, y)
    assert isinstance(result, ExactTest)
    assert (result.statistic, result.p) == pytest.approx((40.0, 0.0390625), abs=1e-12)


def test_wilcoxon_rank_sum_of_demsar_table_2() -> None:
    c45 = [763, 599, 954, 628, 882, 936, 661, 583, 775, 1000, 940, 619, 972, 957]
    c45_m = [768, 591, 971, 661, 888, 931, 668, 583, 838, 1000, 962, 666, 981, 978]
    result = wilcoxon_signed_rank(c45, c45_m)
    assert isinstance(result, ExactTest)
    # Demsar gives each side half of the ranks of the two zeros (1.5), which adds two ranks; here zeros are omitted.
    assert result.statistic + 2 * 2 + 1.5 == 12
    assert result.seeds == 12


@pytest.mark.parametrize("seeds", range(4, 13))
def test_smallest_p_of_sign_based_tests_is_two_over_two_to_the_n(seeds: int) -> None:
    winner, loser = np.linspace(1.0, 2.0, seeds) ** 2, np.zeros(seeds)
    for test in (sign_flip, wilcoxon_signed_rank):
        result = test(winner, loser, alpha=0.5)
        assert isinstance(result, ExactTest)
        assert result.p == pytest.approx(minimum_p(seeds), rel=1e-12)


@pytest.mark.parametrize(
    ("correction", "rejections"),
    [
        (Correction.BONFERRONI, 3),
        (Correction.HOLM, 3),
        (Correction.HOCHBERG, 3),
        (Correction.BENJAMINI_HOCHBERG, 4),
    ],
)
def test_rejections_of_benjamini_and_hochberg(correction: Correction, rejections: int) -> None:
    assert sum(adjust(BENJAMINI_HOCHBERG, correction).rejected) == rejections


def test_adjusted_p_of_benjamini_and_hochberg() -> None:
    by_holm = adjust(BENJAMINI_HOCHBERG, Correction.HOLM).adjusted[:5]
    by_fdr = adjust(BENJAMINI_HOCHBERG, Correction.BENJAMINI_HOCHBERG).adjusted[:5]
    assert by_holm == pytest.approx((0.0015, 0.0056, 0.0247, 0.114, 0.2211), abs=1e-12)
    assert by_fdr == pytest.approx((0.0015, 0.003, 0.0095, 0.035625, 0.0603), abs=1e-12)


def test_bca_interval_of_the_boot_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence_intervals, "BCA_MIN_SEEDS", 16)
    result = bca_interval([10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213])
    assert (result.low, result.high) == pytest.approx((32.31, 91.43), rel=0.005)


@pytest.mark.parametrize("seeds", [5, 6, 8, 10, 15, 20])
def test_minimum_detectable_effect_is_that_of_the_paired_t_test(seeds: int) -> None:
    d = TTestPower().solve_power(nobs=seeds, power=0.8, alpha=0.05)
    assert minimum_detectable_effect(seeds**-0.5, seeds - 1).effect == pytest.approx(d, rel=1e-6)


def test_hanley_and_mcneil_standard_error() -> None:
    assert hanley_mcneil_se(0.893, 51, 58) == pytest.approx(0.0325, abs=5e-5)


def test_grubbs_of_the_nist_mass_spectrometer() -> None:
    result = grubbs_test([199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18, 245.57])
    assert not isinstance(result, Degenerate)
    assert result.statistic == pytest.approx(2.468765, abs=5e-7)
    assert grubbs_critical_value(8, 0.05) == pytest.approx(2.031652, abs=5e-7)
    assert result.flagged == 7


def test_wilson_interval_contains_the_rate_and_stays_between_zero_and_one() -> None:
    result = failure_rate(1, 10)
    # Wilson 1927 by hand: center (1 + z^2 / 2) / (10 + z^2), z = 1.959964.
    assert (result.low, result.high) == pytest.approx((0.0178762, 0.4041500), abs=5e-7)


def test_corrected_resampled_t_of_the_sleep_differences() -> None:
    result = corrected_resampled_t(SLEEP_A - SLEEP_B, 1 / 9)
    assert not isinstance(result, Degenerate)
    assert result.statistic == pytest.approx(-2.795748, abs=5e-7)
    assert result.p == pytest.approx(0.0208570, abs=5e-8)


@pytest.mark.parametrize(
    ("auc", "base", "percent"),
    [
        (0.7263, 0.73, -1.61),
        (0.7304, 0.73, 0.17),
        (0.7321, 0.73, 0.91),
        (0.7324, 0.73, 1.04),
        (0.7337, 0.73, 1.61),
        (0.7348, 0.73, 2.09),
        (0.7742, 0.8624, -24.34),
        (0.8818, 0.8624, 5.35),
    ],
)
def test_relative_improvement_of_the_din_paper(auc: float, base: float, percent: float) -> None:
    assert 100 * relative_improvement(auc, base) == pytest.approx(percent, abs=5e-3)


def test_tost_agrees_with_statsmodels() -> None:
    result = paired_t(SLEEP_A, SLEEP_B)
    assert not isinstance(result, Degenerate)
    ours = tost(result.estimate, result.se, result.df, 2.0)
    p, lower, upper = ttost_paired(SLEEP_A, SLEEP_B, -2.0, 2.0)
    assert (ours.p, ours.p_above_lower, ours.p_below_upper) == pytest.approx((p, lower[1], upper[1]), rel=1e-10)


def test_sign_flip_agrees_with_enumeration() -> None:
    a, b = SLEEP_A[:6], SLEEP_B[:6]
    difference = a - b
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    p = np.mean(np.abs(difference @ signs) >= abs(difference.sum()) - 1e-12)
    result = sign_flip(a, b)
    assert isinstance(result, ExactTest)
    assert result.p == pytest.approx(float(p))
    assert stats.ttest_rel(a, b).statistic < 0
