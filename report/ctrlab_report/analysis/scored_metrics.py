"""Metric values of all runs and their test-sample covariance, computed once from the predictions.

The report computes the metrics again instead of copying the recorded values: the value in a table, its standard error
and the comparison then have the same source, and `metric_disagreements` checks them against the records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ctrlab_api.metrics import SCORE_EPSILON, MetricName
from ctrlab_api.records import Finding
from ctrlab_metrics.computing import compute_metrics
from ctrlab_report.analysis.row_units import RowUnits, row_units
from ctrlab_report.inputs.prediction_reader import TestRows
from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.covariance import MetricCovariance, covariance_from_scores
from ctrlab_report.statistics.errors import NoUsers, OneClass, TooFewRows
from ctrlab_report.statistics.influence import MetricOptions
from ctrlab_report.statistics.supported_metrics import WITHIN, Metric

# Above this many values, influence is stored as float32; its relative error near 1e-7 is far below sampling error.
_MAX_FLOAT64_VALUES = 20_000_000

# The order of summation of a recorded metric can differ, its definition cannot.
_TOLERANCE = 1e-5

RunId = tuple[str, int]
"""(variant, seed)."""


@dataclass(frozen=True)
class ScoredMetric:
    """One metric of all runs; `covariance` is None where the sampling error has no estimate (ece, or `undefined`)."""

    name: str
    values: dict[RunId, float]
    """Values by run, in the order of the rows of `covariance`."""
    covariance: MetricCovariance | None
    undefined: str | None = None
    """Why the test rows define no value, or no sampling error, of a metric that has both in general."""

    def values_of(self, variant: str) -> dict[int, float]:
        """Return the values of one variant by seed."""
        return {seed: value for (name, seed), value in self.values.items() if name == variant}

    def covariance_of(self, runs: list[RunId]) -> MetricCovariance | None:
        """Return the covariance of the selected runs, in the order of `runs`; None without a covariance."""
        if self.covariance is None:
            return None
        index_of_run = {run: index for index, run in enumerate(self.values)}
        return self.covariance.select([index_of_run[run] for run in runs])


@dataclass(frozen=True)
class ScoredMetrics:
    """All metrics of the plan; `clustered_by` is the field of `spec.dataset` that names the column of clusters."""

    metrics: dict[str, ScoredMetric]
    clustered_by: Literal["user", "group"] | None


def score_metrics(inputs: ReportInputs) -> ScoredMetrics:
    """Return values and covariances of every metric in the plan, over every run with predictions.

    Test-sample errors are clustered by user if test has more than one user, else by group if it has more than one.
    """
    names = inputs.plan.analysis.metrics
    runs = [run for run in inputs.runs if run.scores is not None]
    if inputs.test_rows is None or not runs:
        return ScoredMetrics({name: ScoredMetric(name, {}, None) for name in names}, None)
    units = row_units(inputs.test_rows)
    return ScoredMetrics({name: _metric(name, inputs.test_rows, runs, units) for name in names}, units.independent_by)


def metric_disagreements(inputs: ReportInputs, scored: ScoredMetrics) -> Iterator[Finding]:
    """Yield one warning for each metric with a recorded value that differs from the value of the predictions."""
    for name, metric in scored.metrics.items():
        differing = [
            (run, recorded, metric.values[run.variant, run.seed])
            for run in inputs.runs
            if (record := run.record) is not None
            and (run.variant, run.seed) in metric.values
            and (recorded := record.metrics_test.get(name)) is not None
            and abs(recorded - metric.values[run.variant, run.seed]) > _TOLERANCE * max(1.0, abs(recorded))
        ]
        if differing:
            run, recorded, computed = differing[0]
            yield Finding(
                severity="warning",
                where=f"runs/{run.variant}/{run.seed}",
                message=f"the recorded {name} of {len(differing)} runs differs from that of the predictions (here "
                f"{recorded} and {computed}); the report uses the predictions",
            )


def undefined_metrics(scored: ScoredMetrics) -> Iterator[Finding]:
    """Yield one warning for each metric that the test rows do not define, with the reason."""
    for metric in scored.metrics.values():
        if metric.undefined is not None:
            yield Finding(severity="warning", where=metric.name, message=metric.undefined)


def _metric(name: MetricName, test: TestRows, runs: list[RunInputs], units: RowUnits) -> ScoredMetric:
    if name not in set(Metric):
        values = {(run.variant, run.seed): _recorded_or_computed(name, test, run) for run in runs}
        return ScoredMetric(name, {run: value for run, value in values.items() if value is not None}, None)
    clusters = units.clusters_of(Metric(name))
    count = clusters.count if clusters else test.labels.size
    try:
        covariance = covariance_from_scores(
            Metric(name),
            test.labels,
            (run.scores for run in runs if run.scores is not None),
            clusters=clusters,
            groups=units.groups,
            options=MetricOptions(clip=SCORE_EPSILON),
            dtype=np.float64 if count * len(runs) <= _MAX_FLOAT64_VALUES else np.float32,
            weights=test.weights,
        )
    except (OneClass, TooFewRows, NoUsers) as error:
        return _without_covariance(Metric(name), test, runs, str(error))
    keys = [(run.variant, run.seed) for run in runs]
    return ScoredMetric(name, dict(zip(keys, covariance.estimates.tolist(), strict=True)), covariance)


def _recorded_or_computed(name: MetricName, test: TestRows, run: RunInputs) -> float | None:
    """Return the recorded value, or that of the predictions for a metric that was added after the run."""
    if run.record is not None and name in run.record.metrics_test:
        return run.record.metrics_test[name]
    if run.scores is None:
        return None
    return compute_metrics((name,), test.labels, run.scores, test.users, test.weights, test.groups).values[name]


def _without_covariance(metric: Metric, test: TestRows, runs: list[RunInputs], reason: str) -> ScoredMetric:
    """Return the values that the metric has on degenerate test rows, and why it has no value or no sampling error."""
    values: dict[RunId, float] = {}
    for run in runs:
        ids = test.groups if metric is Metric.AUC_BY_GROUP else test.users
        if run.scores is not None and (metric not in WITHIN or ids is not None):
            computed = compute_metrics((metric.value,), test.labels, run.scores, test.users, test.weights, test.groups)
            value = computed.values[metric.value]
            if value is not None:
                values[run.variant, run.seed] = value
    missing = "its sampling error" if values else "it"
    return ScoredMetric(metric.value, values, None, f"{missing} is undefined on these test rows: {reason}")
