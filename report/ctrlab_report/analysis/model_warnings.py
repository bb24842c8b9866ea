"""Warnings about a model whose results say little: worse than a constant prediction, miscalibrated, or cut off."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Final

from ctrlab_api.metrics import MetricName
from ctrlab_api.records import Finding, RunRecord
from ctrlab_metrics.computing import compute_metrics
from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs

MAX_MISCALIBRATION: Final = 1.25
"""A mean PCOC above this factor, or below its reciprocal, is reported."""

CONSTANT_METRICS: Final[tuple[MetricName, ...]] = ("ne", "pcoc")


def model_warnings(inputs: ReportInputs) -> Iterator[Finding]:
    """Yield the warnings about each model, whether or not the plan reports NE and PCOC."""
    for name in inputs.plan.names:
        runs = inputs.runs_of(name)
        values = [_metrics(inputs, run) for run in runs if run.scores is not None]
        yield from _worse_than_constant(name, [value["ne"] for value in values])
        yield from _miscalibrated(name, [value["pcoc"] for value in values])
        yield from _cut_off(name, [run.record for run in runs if run.record is not None])


def _metrics(inputs: ReportInputs, run: RunInputs) -> dict[str, float | None]:
    """Return NE and PCOC of a run with predictions, as recorded or from its predictions."""
    recorded = {} if run.record is None else run.record.metrics_test
    if inputs.test_rows is None or run.scores is None or set(CONSTANT_METRICS) <= recorded.keys():
        return {name: recorded.get(name) for name in CONSTANT_METRICS}
    test = inputs.test_rows
    return compute_metrics(CONSTANT_METRICS, test.labels, run.scores, None, test.weights).values


def _worse_than_constant(name: str, values: Sequence[float | None]) -> Iterator[Finding]:
    entropies = [value for value in values if value is not None]
    if entropies and mean(entropies) > 1:
        yield Finding(
            severity="warning",
            where=name,
            message=f"predicts clicks worse than one constant, the click rate of test, for every row: normalized "
            f"entropy {mean(entropies):.3f} (mean of {_runs(entropies)}), a constant has 1. A comparison by log loss "
            "with this model says little; give it more trials or epochs, or look for data that differ between splits",
        )


def _miscalibrated(name: str, values: Sequence[float | None]) -> Iterator[Finding]:
    ratios = [value for value in values if value is not None]
    if ratios and not 1 / MAX_MISCALIBRATION <= mean(ratios) <= MAX_MISCALIBRATION:
        yield Finding(
            severity="warning",
            where=name,
            message=f"predicts {mean(ratios):.2f} times as many clicks as test has (PCOC, mean of {_runs(ratios)}): "
            "its scores may rank rows, but they are no click probabilities; compare the click rates of the splits",
        )


def _cut_off(name: str, records: Sequence[RunRecord]) -> Iterator[Finding]:
    """Yield the warning about a model of which every run kept its last allowed epoch."""
    finished = [record for record in records if record.state == "Succeeded"]
    limits = {int(record.config.get("epochs", 0)) for record in finished}
    if finished and all(record.best_epoch == record.config.get("epochs") for record in finished):
        epochs = "/".join(map(str, sorted(limits)))
        yield Finding(
            severity="warning",
            where=name,
            message=f"was stopped by epochs in all runs: the last allowed epoch ({epochs}) is the best of each, so "
            "longer training may improve it; raise epochs, or its upper bound in search, before calling it worse",
        )


def _runs(values: Sequence[float]) -> str:
    return f"{len(values)} run{'s' if len(values) > 1 else ''}"
