"""How each run went: its class and signals from its own record, and which runs the sensitivity rows leave out."""

from collections.abc import Sequence
from statistics import median

from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.run_anomalies import (
    Classification,
    ProcessSignal,
    RunSymptoms,
    classify_symptoms,
)

_CUT_OFF = frozenset({"terminated", "lost", "failed"})


def classify_run(inputs: ReportInputs, run: RunInputs) -> Classification:
    """Class and signals of one run that may have no record; slow is measured against its own model's runs
    in batches of equal size, for each of them has its share of the batch's time."""
    kinds = {found.kind for found in (run.record.anomalies if run.record else run.interrupted_starts)}
    walls = [
        other.record.process.wall_seconds
        for other in inputs.runs_of(run.variant)
        if other.record is not None and _batch(other) == _batch(run)
    ]
    return classify_symptoms(
        RunSymptoms(
            evicted=not kinds.isdisjoint(_CUT_OFF),
            out_of_memory="out-of-memory" in kinds,
            losses_finite="non-finite-loss" not in kinds,
            predictions_constant="constant-predictions" in kinds,
            auc=0.5 if "auc-at-or-below-half" in kinds else None,
            best_epoch=0 if "best-epoch-is-the-first" in kinds else None,
            wall_seconds=run.record.process.wall_seconds if run.record else None,
            median_wall_seconds=median(walls) if walls else None,
        )
    )


def _batch(run: RunInputs) -> int:
    """Runs that were trained together."""
    return len(run.record.batched_with or ()) if run.record else 0


def training_anomalies(inputs: ReportInputs, name: str) -> dict[int, frozenset[ProcessSignal]]:
    """By seed, the signals of a model's training anomalies that make a run unusual among the model's runs.

    What more than half of them show belongs to the model (some learn nothing after the first epoch) and marks no run.
    """
    classes = {run.seed: classify_run(inputs, run) for run in inputs.runs_of(name) if run.record is not None}
    odd = {
        seed: frozenset(found.signals) - {ProcessSignal.SLOW, ProcessSignal.EVICTED, ProcessSignal.OUT_OF_MEMORY}
        for seed, found in classes.items()
    }
    common = frozenset(signal for signal in ProcessSignal if _share(signal, list(odd.values())) > 0.5)
    return {seed: signals - common for seed, signals in odd.items() if signals - common}


def _share(signal: ProcessSignal, runs: Sequence[frozenset[ProcessSignal]]) -> float:
    return sum(signal in signals for signals in runs) / max(len(runs), 1)
