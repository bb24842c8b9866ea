"""From the results of the statistics package to the rows of a summary."""

import math

from ctrlab_api.records import ConfidenceInterval, PopulationEstimate, SeedEstimate, SingleRun
from ctrlab_report.statistics.confidence_intervals import BCA_MIN_SEEDS, T_INTERVAL, bca_interval, t_interval
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.paired_tests import PairedT
from ctrlab_report.statistics.single_run_estimates import SingleRunDifference, SingleRunEstimate
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison, TwoSourceEstimate


def seed_estimate(values: list[float], confidence: float) -> SeedEstimate | None:
    """Mean, spread and t interval; None without a value, no interval for one seed or equal seeds."""
    if not values:
        return None
    found = t_interval(values, confidence=confidence)
    interval = sd = None
    if not isinstance(found, Degenerate):
        interval = ConfidenceInterval(low=found.low, high=found.high, confidence=confidence, method=T_INTERVAL)
        sd = found.sd
    elif len(values) > 1:
        sd = 0.0
    return SeedEstimate(
        mean=found.estimate,
        sd=sd,
        n=len(values),
        interval=interval,
        bootstrap=_bootstrap(values, confidence) if interval is not None else None,
        minimum=min(values),
        maximum=max(values),
        method=T_INTERVAL,
    )


def _bootstrap(values: list[float], confidence: float) -> ConfidenceInterval | None:
    """The BCa interval as an extra from 20 seeds on; below, it covers too little to be shown."""
    if len(values) < BCA_MIN_SEEDS:
        return None
    found = bca_interval(values, confidence=confidence)
    return ConfidenceInterval(low=found.low, high=found.high, confidence=confidence, method=found.method)


def paired_seed_estimate(differences: list[float], found: PairedT | Degenerate) -> SeedEstimate | None:
    """The paired t-test as a seed estimate; None without a shared seed."""
    if not differences:
        return None
    known = None if isinstance(found, Degenerate) else found
    return SeedEstimate(
        mean=found.estimate,
        sd=known.sd if known else (0.0 if len(differences) > 1 else None),
        n=len(differences),
        interval=ConfidenceInterval(low=known.low, high=known.high, confidence=known.confidence, method=known.method)
        if known
        else None,
        minimum=min(differences),
        maximum=max(differences),
        p=known.p if known else None,
        correlation=known.correlation if known else None,
        method=found.method,
    )


def single_run_summary(found: SingleRunEstimate | Degenerate) -> SingleRun | None:
    """One run, or the difference of two; None where both rank all rows alike."""
    if isinstance(found, Degenerate):
        return None
    return SingleRun(
        estimate=found.estimate,
        se=found.se,
        interval=ConfidenceInterval(low=found.low, high=found.high, confidence=found.confidence, method=found.method),
        p=found.p if isinstance(found, SingleRunDifference) else None,
        method=found.method,
    )


def population_estimate(found: TwoSourceEstimate | Degenerate, units: int) -> PopulationEstimate | None:
    """The two-source estimate; None where it is degenerate. `units`: independent rows or users."""
    if isinstance(found, Degenerate):
        return None
    return PopulationEstimate(
        estimate=found.estimate,
        se=found.se,
        df=found.df if math.isfinite(found.df) else None,
        interval=ConfidenceInterval(low=found.low, high=found.high, confidence=found.confidence, method=found.method),
        p=found.p if isinstance(found, TwoSourceComparison) else None,
        seed_se=math.sqrt(found.seed_variance),
        test_se=math.sqrt(found.test_variance),
        seed_share=found.seed_share,
        clamped=found.clamped,
        units=units,
        method=found.method,
    )
