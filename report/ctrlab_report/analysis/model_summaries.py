"""Summary rows of models: metrics over seeds, cost, configuration and the state of the runs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.canonical_json import digest
from ctrlab_api.records import (
    ConfidenceInterval,
    CostSummary,
    FailureRate,
    MetricSummary,
    ModelSummary,
    ReliabilityBin,
    RunRecord,
    RunSummary,
    StudyRecord,
)
from ctrlab_report.analysis.estimate_conversion import population_estimate, seed_estimate, single_run_summary
from ctrlab_report.analysis.process_signals import classify_run, training_anomalies
from ctrlab_report.analysis.repeated_studies import average_by_study
from ctrlab_report.analysis.run_flags import classify_repetition, flagged_seeds
from ctrlab_report.analysis.scored_metrics import ScoredMetric, ScoredMetrics
from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.obuchowski_rockette import estimate_model_mean
from ctrlab_report.statistics.run_anomalies import failure_rate
from ctrlab_report.statistics.single_run_estimates import estimate_single_run

RELIABILITY_BINS = 10
"""Number of bins of equal mass in the reliability diagram; the metric ece uses other bins (`ECE_BINS`)."""


def summarize_models(inputs: ReportInputs, scored: ScoredMetrics) -> tuple[ModelSummary, ...]:
    """Return all models in the plan's order."""
    return tuple(_model(inputs, scored, name) for name in inputs.plan.names)


def _model(inputs: ReportInputs, scored: ScoredMetrics, name: str) -> ModelSummary:
    plan, runs = inputs.plan, inputs.runs_of(name)
    variant = plan.variant(name)
    records = [run.record for run in runs if run.record is not None]
    primary = scored.metrics[plan.analysis.primary_metric].values_of(name)
    return ModelSummary(
        name=name,
        architecture=variant.architecture,
        reference=name == plan.reference,
        removed_parts=variant.remove,
        dropped_features=variant.drop_features,
        parameters=records[0].parameters if records else None,
        metrics={metric: _metric(inputs, scored.metrics[metric], name) for metric in plan.analysis.metrics},
        failures=_failures(runs, float(plan.analysis.confidence)),
        cost=_cost(records, inputs.studies[name]),
        config={key: _format_value(value) for key, value in sorted(records[0].config.items())} if records else {},
        reliability=_reliability(inputs, runs),
        flagged_seeds=flagged_seeds(primary, plan.analysis.alpha),
        runs=tuple(_run(inputs, run) for run in runs),
        inputs_digest=model_inputs_digest(inputs, name),
    )


def model_inputs_digest(inputs: ReportInputs, name: str) -> str:
    """Return the digest over the records and predictions of one model."""
    return digest({key: value for key, value in inputs.input_digests.items() if key.startswith(f"runs/{name}/")})


def unflagged_seeds(inputs: ReportInputs, metric: ScoredMetric, name: str) -> set[int]:
    """Return the seeds whose run has no anomaly signal and whose value of this metric Grubbs' test does not flag."""
    flagged = flagged_seeds(metric.values_of(name), inputs.plan.analysis.alpha)
    anomalous = training_anomalies(inputs, name)
    clean = (run for run in inputs.runs_of(name) if run.record is not None and run.seed not in anomalous)
    return {run.seed for run in clean if str(run.seed) not in flagged}


def _metric(inputs: ReportInputs, metric: ScoredMetric, name: str) -> MetricSummary:
    confidence = float(inputs.plan.analysis.confidence)
    runs = inputs.runs_of(name)
    test = metric.values_of(name)
    unflagged = unflagged_seeds(inputs, metric, name)
    unflagged_values = [value for seed, value in test.items() if seed in unflagged]
    validation = {run.seed: run.record.metrics_valid.get(metric.name) for run in runs if run.record is not None}
    on_test = seed_estimate(list(test.values()), confidence)
    on_validation = seed_estimate([value for value in validation.values() if value is not None], confidence)
    by_study = average_by_study(metric, inputs.plan)
    replicates = by_study.values_of(name)
    covariance = by_study.covariance_of([(name, seed) for seed in replicates]) if replicates else None
    return MetricSummary(
        test=on_test,
        population=population_estimate(
            estimate_model_mean(
                list(replicates.values()),
                covariance.matrix,
                test_df=covariance.test_df,
                confidence=confidence,
                pilot_seeds=pilot_seed_count(inputs, list(replicates)),
            ),
            covariance.units,
        )
        if covariance is not None
        else None,
        single_run=single_run_summary(estimate_single_run(covariance, confidence=confidence))
        if covariance is not None and len(test) == 1
        else None,
        without_flagged=seed_estimate(unflagged_values, confidence) if len(unflagged_values) < len(test) else None,
        validation=on_validation,
        gap=on_test.mean - on_validation.mean if on_test and on_validation else None,
        undefined=metric.undefined,
        by_seed={str(run.seed): test.get(run.seed) for run in runs if run.record is not None},
        by_seed_validation={str(seed): value for seed, value in validation.items()},
    )


def pilot_seed_count(inputs: ReportInputs, seeds: Sequence[int]) -> int | None:
    """Return the number of these seeds in the pilot of a two-stage extension; None without an extension."""
    if inputs.decision is None or inputs.decision.count == inputs.decision.pilot:
        return None
    pilot = set(inputs.plan.evaluation.seeds.values(inputs.decision.pilot))
    count = sum(seed in pilot for seed in seeds)
    return count if count >= 2 else None


def _failures(runs: Sequence[RunInputs], confidence: float) -> FailureRate:
    failed = sum(run.record is None or run.record.state == "Diverged" for run in runs)
    rate = failure_rate(failed, len(runs), confidence=confidence)
    return FailureRate(
        failed=failed,
        of=len(runs),
        interval=ConfidenceInterval(low=max(rate.low, 0.0), high=rate.high, confidence=confidence, method=rate.method),
    )


def _cost(records: Sequence[RunRecord], study: StudyRecord) -> CostSummary | None:
    if not records:
        return None
    costs = [record.process for record in records]
    peak_gpu_memory = [cost.peak_gpu_memory_bytes for cost in costs if cost.peak_gpu_memory_bytes is not None]
    gpu_seconds = [repeat.gpu_seconds for repeat in study.all_studies]
    return CostSummary(
        wall_seconds_mean=sum(cost.wall_seconds for cost in costs) / len(costs),
        wall_seconds_total=sum(cost.wall_seconds for cost in costs),
        cpu_seconds_total=sum(cost.cpu_seconds for cost in costs),
        gpu_seconds_total=sum(cost.gpu_seconds for cost in costs),
        peak_memory_bytes=max(cost.peak_memory_bytes for cost in costs),
        peak_gpu_memory_bytes=max(peak_gpu_memory) if peak_gpu_memory else None,
        tuning_seconds=sum(repeat.seconds for repeat in study.all_studies),
        tuning_gpu_seconds=None if None in gpu_seconds else sum(seconds or 0.0 for seconds in gpu_seconds),
    )


def _reliability(inputs: ReportInputs, runs: Sequence[RunInputs]) -> tuple[ReliabilityBin, ...]:
    """Return the reliability of the pooled predictions of all seeds in bins of equal mass; ties share a bin."""
    scores = [run.scores for run in runs if run.scores is not None]
    if inputs.test_rows is None or not scores:
        return ()
    pooled: NDArray[np.float32] = np.concatenate(scores)
    labels = np.tile(inputs.test_rows.labels, len(scores))
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, RELIABILITY_BINS + 1)[1:-1]))
    bin_of_row = np.searchsorted(edges, pooled, side="left")
    rows = np.bincount(bin_of_row, minlength=edges.size + 1)
    predicted = np.bincount(bin_of_row, weights=pooled, minlength=edges.size + 1)
    observed = np.bincount(bin_of_row, weights=labels, minlength=edges.size + 1)
    return tuple(
        ReliabilityBin(
            predicted=float(predicted[b] / rows[b]), observed=float(observed[b] / rows[b]), rows=int(rows[b])
        )
        for b in np.flatnonzero(rows)
    )


def _run(inputs: ReportInputs, run: RunInputs) -> RunSummary:
    record, classification = run.record, classify_run(inputs, run)
    signals = tuple(signal.value for signal in classification.signals)
    if record is None:
        return RunSummary(
            seed=run.seed,
            state="Missing",
            run_class=classification.run_class.value,
            signals=signals,
            cut_off=run.interrupted_starts,
        )
    return RunSummary(
        seed=run.seed,
        state=record.state,
        attempt=record.attempt,
        reruns=tuple(
            f"attempt {repeat.attempt}: predictions "
            + ("bit-equal" if repeat.predictions_sha256 == record.predictions_sha256 else "differ")
            for repeat in run.later_attempts
        ),
        best_epoch=record.best_epoch,
        wall_seconds=record.process.wall_seconds,
        deterministic=record.randomness.deterministic_achieved,
        openings=len(record.openings) + sum(len(repeat.openings) for repeat in run.later_attempts),
        run_class=classification.run_class.value,
        signals=signals,
        anomalies=record.anomalies,
        repetition=classify_repetition(record.repetition).value if record.repetition else None,
        config_digest=record.config_digest,
        predictions_sha256=record.predictions_sha256,
        model_sha256=record.model_sha256,
        reproduce=record.reproduce,
        tolerance=record.tolerance,
    )


def _format_value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_format_value(entry) for entry in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
