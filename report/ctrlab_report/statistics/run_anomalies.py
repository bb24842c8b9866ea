"""Runs that went wrong: judged by how they ran, never by how they scored.

Rules, in order: (1) process signals classify a run; (2) a failure of the machine is retried with the same seed, a
divergence of the training is a result and stays; (3) Grubbs' test may flag a clean run, which changes nothing but adds
a sensitivity row without it; (4) the headline holds all runs; (5) no seed is replaced because of its score. The robust
z-score of Iglewicz and Hoaglin is not used: it flags 20 % of clean sets of five.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ctrlab_report.statistics.degenerate_results import Degenerate, is_constant
from ctrlab_report.statistics.errors import OutOfRange
from ctrlab_report.statistics.input_checks import as_finite_vector, require_open_unit_interval

GRUBBS = "grubbs-two-sided"
WILSON = "wilson-interval"

# A run this many times slower than the median of its model's runs is worth a look at the machine.
SLOW_FACTOR = 3.0


class ProcessSignal(StrEnum):
    """What a run's own record shows, whatever its score is in comparison with others."""

    EVICTED = "Evicted"
    OUT_OF_MEMORY = "OutOfMemory"
    NOT_FINITE = "NotFiniteLoss"
    CONSTANT = "ConstantPredictions"
    NO_RANKING = "AucAtMostOneHalf"
    NO_LEARNING = "StoppedAtEpochZero"
    SLOW = "SlowMachine"


class RunClass(StrEnum):
    """What follows for a run: nothing, a retry with the same seed, or a remark in the report."""

    CLEAN = "Clean"
    INFRASTRUCTURE_FAILURE = "InfrastructureFailure"
    TRAINING_ANOMALY = "TrainingAnomaly"


_INFRASTRUCTURE = frozenset({ProcessSignal.EVICTED, ProcessSignal.OUT_OF_MEMORY})
_TRAINING = frozenset(
    {ProcessSignal.NOT_FINITE, ProcessSignal.CONSTANT, ProcessSignal.NO_RANKING, ProcessSignal.NO_LEARNING}
)


@dataclass(frozen=True)
class RunSymptoms:
    """What a run's record says of its course.

    `auc` on validation, None if it has none; `best_epoch` counts from 0, the state before training; `wall_seconds` and
    the `median_wall_seconds` of the same model's runs may be None.
    """

    evicted: bool = False
    out_of_memory: bool = False
    losses_finite: bool = True
    predictions_constant: bool = False
    auc: float | None = None
    best_epoch: int | None = None
    wall_seconds: float | None = None
    median_wall_seconds: float | None = None


@dataclass(frozen=True)
class Classification:
    """The class of a run and the signals behind it, in a fixed order."""

    method: str
    run_class: RunClass
    signals: tuple[ProcessSignal, ...]


class RerunOutcome(StrEnum):
    """What a second run with the same seed says about an anomalous one."""

    PROPERTY = "property-of-the-seed"
    FAULT = "fault-of-the-first-run"
    UNSTABLE = "not-reproducible"


@dataclass(frozen=True)
class GrubbsFlag:
    """`flagged` is the index of the most distant run if its G exceeds `critical`, else None."""

    method: str
    flagged: int | None
    statistic: float
    critical: float
    alpha: float
    seeds: int


@dataclass(frozen=True)
class FailureRate:
    """`failed` of `planned` runs with the Wilson interval of the rate."""

    method: str
    failed: int
    planned: int
    rate: float
    low: float
    high: float
    confidence: float


def classify_symptoms(facts: RunSymptoms) -> Classification:
    """Class of one run from its process signals; a machine's failure outranks a training anomaly."""
    slow = (
        facts.wall_seconds is not None
        and facts.median_wall_seconds is not None
        and facts.wall_seconds > SLOW_FACTOR * facts.median_wall_seconds
    )
    present = {
        ProcessSignal.EVICTED: facts.evicted,
        ProcessSignal.OUT_OF_MEMORY: facts.out_of_memory,
        ProcessSignal.NOT_FINITE: not facts.losses_finite,
        ProcessSignal.CONSTANT: facts.predictions_constant,
        ProcessSignal.NO_RANKING: facts.auc is not None and facts.auc <= 0.5,
        ProcessSignal.NO_LEARNING: facts.best_epoch == 0,
        ProcessSignal.SLOW: slow,
    }
    signals = tuple(signal for signal, seen in present.items() if seen)
    if not _INFRASTRUCTURE.isdisjoint(signals):
        run_class = RunClass.INFRASTRUCTURE_FAILURE
    else:
        run_class = RunClass.CLEAN if _TRAINING.isdisjoint(signals) else RunClass.TRAINING_ANOMALY
    return Classification("process-signals", run_class, signals)


def classify_rerun(first_digest: str, rerun_digest: str, rerun: Classification) -> RerunOutcome:
    """Compare the prediction digests of an anomalous run and of its rerun with the same seed.

    Bit-equal predictions make the anomaly a property of the seed. Different ones mean a fault if the rerun is clean,
    and a training that does not repeat itself if it is not.
    """
    if first_digest == rerun_digest:
        return RerunOutcome.PROPERTY
    return RerunOutcome.FAULT if rerun.run_class is RunClass.CLEAN else RerunOutcome.UNSTABLE


def grubbs_test(values: ArrayLike, *, alpha: float = 0.05) -> GrubbsFlag | Degenerate:
    """Grubbs 1969 for one outlier on either side; it flags, nobody drops.

    Oracle: NIST's mass spectrometer data, G 2.468765; critical 2.031652 for the one-sided test (half the level).
    """
    metric = as_finite_vector(values, "metric values")
    if metric.size < 3:
        return Degenerate(GRUBBS, "fewer than three seeds have no outlier", metric.size, float(metric.mean()))
    if is_constant(metric, float(np.abs(metric).max())):
        return Degenerate(GRUBBS, "the seeds do not differ", metric.size, float(metric.mean()))
    distance = np.abs(metric - metric.mean()) / metric.std(ddof=1)
    farthest = int(distance.argmax())
    critical = grubbs_critical_value(metric.size, require_open_unit_interval(alpha, "alpha") / 2.0)
    statistic = float(distance[farthest])
    return GrubbsFlag(GRUBBS, farthest if statistic > critical else None, statistic, critical, alpha, metric.size)


def grubbs_critical_value(seeds: int, tail: float) -> float:
    """The G which the largest of `seeds` standardised distances on one given side exceeds with probability `tail`."""
    t = float(stats.t.isf(tail / seeds, seeds - 2))
    return (seeds - 1) / float(np.sqrt(seeds)) * float(np.sqrt(t**2 / (seeds - 2 + t**2)))


def failure_rate(failed: int, planned: int, *, confidence: float = 0.95) -> FailureRate:
    """Rate of failed runs (Wilson 1927). Raises OutOfRange unless 0 <= failed <= planned and planned >= 1."""
    if planned < 1 or not 0 <= failed <= planned:
        raise OutOfRange(f"failures: found {failed} of {planned} runs, allowed are 0 to the number of planned runs")
    low, high = proportion_confint(
        failed, planned, alpha=1.0 - require_open_unit_interval(confidence, "confidence"), method="wilson"
    )
    return FailureRate(WILSON, failed, planned, failed / planned, float(low), float(high), confidence)
