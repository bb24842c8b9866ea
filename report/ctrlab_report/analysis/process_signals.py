"""Class and signals of each run from its record, and the runs that the sensitivity rows exclude."""

from collections.abc import Sequence
from statistics import median

from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.run_anomalies import (
    Classification,
    ProcessSignal,
    RunSymptoms,
    classify_symptoms,
)

_INTERRUPTIONS = frozenset({"terminated", "unavailable", "lost", "failed"})


def classify_run(inputs: ReportInputs, run: RunInputs) -> Classification:
    """Classify one run, with or without a record.

    "Slow" is relative to the runs of its model in batches of equal size, as each run counts a share of its batch's
    time.
    """
    kinds = {anomaly.kind for anomaly in (run.record.anomalies if run.record else run.interrupted_starts)}
    walls = [
        other.record.process.wall_seconds
        for other in inputs.runs_of(run.variant)
        if other.record is not None and _batch_size(other) == _batch_size(run)
    ]
    return classify_symptoms(
        RunSymptoms(
            evicted=not kinds.isdisjoint(_INTERRUPTIONS),
            out_of_memory="out-of-memory" in kinds,
            losses_finite="non-finite-loss" not in kinds,
            predictions_constant="constant-predictions" in kinds,
            auc=0.5 if "auc-at-or-below-half" in kinds else None,
            best_epoch=0 if "best-epoch-is-the-first" in kinds else None,
            wall_seconds=run.record.process.wall_seconds if run.record else None,
            median_wall_seconds=median(walls) if walls else None,
        )
    )


def _batch_size(run: RunInputs) -> int:
    """Return the number of runs in its batch; 0 for a run that was trained alone."""
    return len(run.record.batched_with or ()) if run.record else 0


def training_anomalies(inputs: ReportInputs, name: str) -> dict[int, frozenset[ProcessSignal]]:
    """Return by seed the training anomaly signals that make a run unusual among the runs of its model.

    A signal of more than half of the runs is a property of the model (some learn nothing after the first epoch) and
    flags no run.
    """
    classes = {run.seed: classify_run(inputs, run) for run in inputs.runs_of(name) if run.record is not None}
    by_seed = {
        seed: frozenset(classification.signals)
        - {ProcessSignal.SLOW, ProcessSignal.EVICTED, ProcessSignal.OUT_OF_MEMORY}
        for seed, classification in classes.items()
    }
    common = frozenset(signal for signal in ProcessSignal if _share(signal, list(by_seed.values())) > 0.5)
    return {seed: signals - common for seed, signals in by_seed.items() if signals - common}


def _share(signal: ProcessSignal, runs: Sequence[frozenset[ProcessSignal]]) -> float:
    return sum(signal in signals for signals in runs) / max(len(runs), 1)
