"""Anomalous runs, classified by process signals and never by their scores.

Rules, in order: (1) process signals classify a run; (2) an infrastructure failure is retried with the same seed, a
divergence of the training is a result and is kept; (3) Grubbs' test can flag a clean run, which only adds a sensitivity
row without it; (4) the main results include all runs; (5) no seed is replaced because of its score. The robust z-score
of Iglewicz and Hoaglin is not used: it flags 20 % of clean sets of five.
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

# A run is slow if it takes more than this multiple of the median time of its model's runs.
SLOW_FACTOR = 3.0


class ProcessSignal(StrEnum):
    """Signals in the record of a single run, independent of the scores of other runs."""

    EVICTED = "Evicted"
    OUT_OF_MEMORY = "OutOfMemory"
    NOT_FINITE = "NotFiniteLoss"
    CONSTANT = "ConstantPredictions"
    NO_RANKING = "AucAtMostOneHalf"
    NO_LEARNING = "StoppedAtEpochZero"
    SLOW = "SlowMachine"


class RunClass(StrEnum):
    """Class of a run; leads to no action, a retry with the same seed, or a finding in the report."""

    CLEAN = "Clean"
    INFRASTRUCTURE_FAILURE = "InfrastructureFailure"
    TRAINING_ANOMALY = "TrainingAnomaly"


_INFRASTRUCTURE = frozenset({ProcessSignal.EVICTED, ProcessSignal.OUT_OF_MEMORY})
_TRAINING = frozenset(
    {ProcessSignal.NOT_FINITE, ProcessSignal.CONSTANT, ProcessSignal.NO_RANKING, ProcessSignal.NO_LEARNING}
)


@dataclass(frozen=True)
class RunSymptoms:
    """Facts from the record of a run from which its signals are derived.

    `auc` is on validation rows, None if missing; `best_epoch` counts from 0, the state before training; `wall_seconds`
    and `median_wall_seconds` (of the runs of the same model) can be None.
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
    """Conclusion from a second run with the same seed about an anomalous run."""

    PROPERTY = "property-of-the-seed"
    FAULT = "fault-of-the-first-run"
    UNSTABLE = "not-reproducible"


@dataclass(frozen=True)
class GrubbsFlag:
    """Result of Grubbs' test; `flagged` is the index of the most distant run if its G exceeds `critical`, else None."""

    method: str
    flagged: int | None
    statistic: float
    critical: float
    alpha: float
    seeds: int


@dataclass(frozen=True)
class FailureRateEstimate:
    """Rate of `failed` among `planned` runs, with its Wilson interval."""

    method: str
    failed: int
    planned: int
    rate: float
    low: float
    high: float
    confidence: float


def classify_symptoms(symptoms: RunSymptoms) -> Classification:
    """Classify one run by its process signals; an infrastructure failure outranks a training anomaly."""
    slow = (
        symptoms.wall_seconds is not None
        and symptoms.median_wall_seconds is not None
        and symptoms.wall_seconds > SLOW_FACTOR * symptoms.median_wall_seconds
    )
    present = {
        ProcessSignal.EVICTED: symptoms.evicted,
        ProcessSignal.OUT_OF_MEMORY: symptoms.out_of_memory,
        ProcessSignal.NOT_FINITE: not symptoms.losses_finite,
        ProcessSignal.CONSTANT: symptoms.predictions_constant,
        ProcessSignal.NO_RANKING: symptoms.auc is not None and symptoms.auc <= 0.5,
        ProcessSignal.NO_LEARNING: symptoms.best_epoch == 0,
        ProcessSignal.SLOW: slow,
    }
    signals = tuple(signal for signal, is_present in present.items() if is_present)
    if not _INFRASTRUCTURE.isdisjoint(signals):
        run_class = RunClass.INFRASTRUCTURE_FAILURE
    else:
        run_class = RunClass.CLEAN if _TRAINING.isdisjoint(signals) else RunClass.TRAINING_ANOMALY
    return Classification("process-signals", run_class, signals)


def classify_rerun(first_digest: str, rerun_digest: str, rerun: Classification) -> RerunOutcome:
    """Compare the prediction digests of an anomalous run and of its rerun with the same seed.

    Bit-equal predictions make the anomaly a property of the seed. Different predictions mean a fault of the first run
    if the rerun is clean, and a training that is not reproducible otherwise.
    """
    if first_digest == rerun_digest:
        return RerunOutcome.PROPERTY
    return RerunOutcome.FAULT if rerun.run_class is RunClass.CLEAN else RerunOutcome.UNSTABLE


def grubbs_test(values: ArrayLike, *, alpha: float = 0.05) -> GrubbsFlag | Degenerate:
    """Run Grubbs' test (1969) for one outlier on either side; a flagged run is not removed.

    Oracle: NIST's mass spectrometer data, G 2.468765; critical 2.031652 for the one-sided test (half the level).
    """
    metric = as_finite_vector(values, "metric values")
    if metric.size < 3:
        return Degenerate(GRUBBS, "Grubbs' test needs three seeds", metric.size, float(metric.mean()))
    if is_constant(metric, float(np.abs(metric).max())):
        return Degenerate(GRUBBS, "the seeds do not differ", metric.size, float(metric.mean()))
    distance = np.abs(metric - metric.mean()) / metric.std(ddof=1)
    farthest = int(distance.argmax())
    critical = grubbs_critical_value(metric.size, require_open_unit_interval(alpha, "alpha") / 2.0)
    statistic = float(distance[farthest])
    return GrubbsFlag(GRUBBS, farthest if statistic > critical else None, statistic, critical, alpha, metric.size)


def grubbs_critical_value(seeds: int, tail: float) -> float:
    """Return the G that the largest of `seeds` standardized distances on one side exceeds with probability `tail`."""
    t = float(stats.t.isf(tail / seeds, seeds - 2))
    return (seeds - 1) / float(np.sqrt(seeds)) * float(np.sqrt(t**2 / (seeds - 2 + t**2)))


def failure_rate(failed: int, planned: int, *, confidence: float = 0.95) -> FailureRateEstimate:
    """Return the rate of failed runs (Wilson 1927).

    Raises OutOfRange unless 0 <= failed <= planned and planned >= 1.
    """
    if planned < 1 or not 0 <= failed <= planned:
        raise OutOfRange(f"failures: found {failed} of {planned} runs, allowed are 0 to the number of planned runs")
    low, high = proportion_confint(
        failed, planned, alpha=1.0 - require_open_unit_interval(confidence, "confidence"), method="wilson"
    )
    return FailureRateEstimate(WILSON, failed, planned, failed / planned, float(low), float(high), confidence)
