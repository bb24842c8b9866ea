"""Tests and intervals from an estimate, its standard error and its degrees of freedom (infinite df: normal)."""

import numpy as np
from scipy import stats
from scipy.integrate import quad

from ctrlab_report.statistics.input_checks import require_open_unit_interval


def two_sided_p(statistic: float, df: float) -> float:
    """Return P(|T| >= |statistic|) for Student's t with `df` degrees of freedom."""
    return float(2.0 * stats.t.sf(abs(statistic), df))


def critical_value(df: float, confidence: float) -> float:
    """Return the t quantile of a two-sided interval with this confidence."""
    return float(stats.t.isf((1.0 - require_open_unit_interval(confidence, "confidence")) / 2.0, df))


def confidence_limits(estimate: float, se: float, df: float, confidence: float) -> tuple[float, float]:
    """Return estimate -+ t * se."""
    half_width = critical_value(df, confidence) * se
    return estimate - half_width, estimate + half_width


def simultaneous_confidence(confidence: float, comparisons: int) -> float:
    """Return the confidence of each of `comparisons` intervals with simultaneous `confidence` (Bonferroni)."""
    return 1.0 - (1.0 - require_open_unit_interval(confidence, "confidence")) / max(comparisons, 1)


def satterthwaite_df(parts: list[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of independent variance estimates (variance, df); Satterthwaite 1946."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / df for variance, df in parts)
    return total**2 / spread if spread > 0.0 else np.inf


def noncentral_t_cdf(statistic: float, df: float, noncentrality: float) -> float:
    """Return the distribution function of the noncentral t, by SciPy or, where its series gives NaN, by integration."""
    probability = float(stats.nct.cdf(statistic, df, noncentrality))
    if np.isfinite(probability):
        return probability

    def integrand(scale: float) -> float:
        return float(stats.norm.cdf(statistic * scale / np.sqrt(df) - noncentrality) * stats.chi.pdf(scale, df))

    center = float(np.sqrt(df))
    return float(quad(integrand, 0.0, center + 12.0, points=(center,), limit=200)[0])
