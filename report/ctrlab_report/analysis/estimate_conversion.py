"""Conversion of the estimates of the statistics package to records of the summary."""

import math

from ctrlab_api.records import ConfidenceInterval, PopulationEstimate, SeedEstimate, SingleRun
from ctrlab_report.statistics.confidence_intervals import BCA_MIN_SEEDS, T_INTERVAL, bca_interval, t_interval
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.paired_tests import PairedT
from ctrlab_report.statistics.single_run_estimates import SingleRunDifference, SingleRunEstimate
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison, TwoSourceEstimate


def seed_estimate(values: list[float], confidence: float) -> SeedEstimate | None:
    """Return mean, spread and t interval; None without a value, no interval for one seed or equal seeds."""
    if not values:
        return None
    mean = t_interval(values, confidence=confidence)
    interval = sd = None
    if not isinstance(mean, Degenerate):
        interval = ConfidenceInterval(low=mean.low, high=mean.high, confidence=confidence, method=T_INTERVAL)
        sd = mean.sd
    elif len(values) > 1:
        sd = 0.0
    return SeedEstimate(
        mean=mean.estimate,
        sd=sd,
        n=len(values),
        interval=interval,
        bootstrap=_bootstrap(values, confidence) if interval is not None else None,
        minimum=min(values),
        maximum=max(values),
        method=T_INTERVAL,
    )


def _bootstrap(values: list[float], confidence: float) -> ConfidenceInterval | None:
    """Return the additional BCa interval; None below 20 seeds, where its coverage is too low."""
    if len(values) < BCA_MIN_SEEDS:
        return None
    bounds = bca_interval(values, confidence=confidence)
    return ConfidenceInterval(low=bounds.low, high=bounds.high, confidence=confidence, method=bounds.method)


def paired_seed_estimate(differences: list[float], test: PairedT | Degenerate) -> SeedEstimate | None:
    """Return the paired t-test as a seed estimate; None without a shared seed."""
    if not differences:
        return None
    result = None if isinstance(test, Degenerate) else test
    return SeedEstimate(
        mean=test.estimate,
        sd=result.sd if result else (0.0 if len(differences) > 1 else None),
        n=len(differences),
        interval=ConfidenceInterval(
            low=result.low, high=result.high, confidence=result.confidence, method=result.method
        )
        if result
        else None,
        minimum=min(differences),
        maximum=max(differences),
        p=result.p if result else None,
        correlation=result.correlation if result else None,
        method=test.method,
    )


def single_run_summary(run: SingleRunEstimate | Degenerate) -> SingleRun | None:
    """Return one run, or the difference of two; None if both have the same influence on every test row."""
    if isinstance(run, Degenerate):
        return None
    return SingleRun(
        estimate=run.estimate,
        se=run.se,
        interval=ConfidenceInterval(low=run.low, high=run.high, confidence=run.confidence, method=run.method),
        p=run.p if isinstance(run, SingleRunDifference) else None,
        method=run.method,
    )


def population_estimate(two_source: TwoSourceEstimate | Degenerate, units: int) -> PopulationEstimate | None:
    """Return the two-source estimate, None if degenerate; `units` is the number of independent rows or users."""
    if isinstance(two_source, Degenerate):
        return None
    return PopulationEstimate(
        estimate=two_source.estimate,
        se=two_source.se,
        df=two_source.df if math.isfinite(two_source.df) else None,
        interval=ConfidenceInterval(
            low=two_source.low, high=two_source.high, confidence=two_source.confidence, method=two_source.method
        ),
        p=two_source.p if isinstance(two_source, TwoSourceComparison) else None,
        seed_se=math.sqrt(two_source.seed_variance),
        test_se=math.sqrt(two_source.test_variance),
        seed_share=two_source.seed_share,
        clamped=two_source.clamped,
        units=units,
        method=two_source.method,
    )
