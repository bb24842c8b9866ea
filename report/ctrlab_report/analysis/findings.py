"""Findings of a report, and the machines and test-set openings that its numbers come from."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import median

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.records import Finding, Machine, RunRecord, TestOpenings, TuningSummary
from ctrlab_report.analysis.model_warnings import model_warnings
from ctrlab_report.analysis.process_signals import classify_run
from ctrlab_report.analysis.run_flags import REPETITION_MESSAGES, classify_repetition
from ctrlab_report.analysis.scored_metrics import ScoredMetrics, metric_disagreements, undefined_metrics
from ctrlab_report.analysis.tuning_summaries import winners_curse_findings
from ctrlab_report.formatting.number_formats import anomaly_name, format_duration
from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.run_anomalies import SLOW_FACTOR, ProcessSignal, RerunOutcome


def list_machines(inputs: ReportInputs) -> tuple[Machine, ...]:
    """Return the distinct combinations of code, environment, hardware and device, most frequent first."""
    machines = [_machine(run.record) for run in inputs.runs if run.record is not None]
    texts = [canonical_json(machine) for machine in machines]
    by_text = dict(zip(texts, machines, strict=True))
    counts = sorted(Counter(texts).items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(by_text[text].model_copy(update={"runs": count}) for text, count in counts)


def _machine(record: RunRecord) -> Machine:
    hardware = record.hardware.model_copy(update={"node": None})
    return Machine(
        code=record.code,
        environment=record.environment,
        hardware=hardware,
        device=record.device,
        precision=record.precision,
        execution_mode=record.execution_mode,
        runs=1,
    )


def count_openings(inputs: ReportInputs) -> TestOpenings:
    """Count the openings of the sealed test set by the runs of this plan."""
    first = [opening for run in inputs.runs if run.record is not None for opening in run.record.openings]
    later = [opening for run in inputs.runs for record in run.later_attempts for opening in record.openings]
    reruns = len(later) + sum(opening.reason != "first" for opening in first)
    total = len(first) + len(later)
    return TestOpenings(
        total=total,
        first_attempts=total - reruns,
        reruns=reruns,
        earlier_plans=tuple(plan.plan_digest for plan in inputs.lineage.plans_that_opened(inputs.prepared)),
    )


def collect_findings(
    inputs: ReportInputs, scored: ScoredMetrics, searches: Sequence[TuningSummary]
) -> tuple[Finding, ...]:
    """Return all findings for the reader, warnings first and otherwise in a fixed order."""
    findings = chain(
        _missing_runs(inputs),
        _retries(inputs),
        model_warnings(inputs),
        winners_curse_findings(searches, float(inputs.plan.analysis.confidence)),
        _anomalous_runs(inputs),
        _data_warnings(inputs),
        _different_machines(inputs),
        undefined_metrics(scored),
        metric_disagreements(inputs, scored),
    )
    return tuple(sorted(findings, key=lambda finding: finding.severity != "warning"))


def missing_statement(inputs: ReportInputs) -> str | None:
    """Return how many planned runs have no result, and which; None if all have one."""
    missing = {name: [run.seed for run in inputs.runs_of(name) if run.record is None] for name in inputs.plan.names}
    count = sum(map(len, missing.values()))
    if not count:
        return None
    listed = "; ".join(_seeds(name, seeds) for name, seeds in missing.items() if seeds)
    return (
        f"Incomplete: {count} of {len(inputs.runs)} planned final runs have no result ({listed}). Every number is over "
        "the other runs."
    )


def _retries(inputs: ReportInputs) -> Iterator[Finding]:
    for retry in inputs.retries:
        if retry.runs:
            listed = ", ".join(f"{run.variant} seed {run.seed}" for run in retry.runs)
            message = (
                f"{len(retry.runs)} final runs without a result were started again at {retry.at}: {listed} "
                f"({retry.cause})"
            )
            yield Finding(severity="note", where=f"retry {retry.number}", message=message)


def _missing_runs(inputs: ReportInputs) -> Iterator[Finding]:
    for name in inputs.plan.names:
        missing = [run.seed for run in inputs.runs_of(name) if run.record is None]
        if missing:
            yield Finding(
                severity="warning",
                where=name,
                message=f"{len(missing)} of {len(inputs.runs_of(name))} planned runs did not finish (seeds "
                f"{', '.join(map(str, missing))}); the results of this model are over the other runs",
            )
        for run in inputs.runs_of(name):
            if run.interrupted_starts:
                where = f"{name}, seed {run.seed}"
                starts = run.interrupted_starts
                message = f"no result after {len(starts)} starts; the last: {starts[-1].detail}"
                yield Finding(severity="note", where=where, message=message)


def _anomalous_runs(inputs: ReportInputs) -> Iterator[Finding]:
    finished = [(run, run.record) for run in inputs.runs if run.record is not None]
    for name in inputs.plan.names:
        yield from _anomalies_by_kind(name, [record for run, record in finished if run.variant == name])
    for run, record in finished:
        if record.repetition is not None:
            outcome = classify_repetition(record.repetition)
            yield Finding(
                severity="note" if outcome is RerunOutcome.PROPERTY else "warning",
                where=_seeds(run.variant, [run.seed]),
                message=REPETITION_MESSAGES[outcome],
            )
    yield from _slow_runs(inputs, [run for run, _ in finished])


def _anomalies_by_kind(name: str, records: Sequence[RunRecord]) -> Iterator[Finding]:
    """Yield one finding for each kind of anomaly of a model, with the runs that have it."""
    by_kind: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        for first in {anomaly.kind: anomaly for anomaly in reversed(record.anomalies)}.values():
            by_kind.setdefault(first.kind, []).append((record.seed, first.detail))
    for kind, runs in sorted(by_kind.items()):
        message = f"{anomaly_name(kind)}: {runs[0][1]}" + (" (the first of them)" if len(runs) > 1 else "")
        where = f"all runs of {name}" if 1 < len(records) == len(runs) else _seeds(name, [seed for seed, _ in runs])
        yield Finding(severity="note", where=where, message=message)


def _slow_runs(inputs: ReportInputs, finished: Sequence[RunInputs]) -> Iterator[Finding]:
    slow = [run for run in finished if ProcessSignal.SLOW in classify_run(inputs, run).signals]
    if slow:
        longest = max(slow, key=lambda run: run.record.process.wall_seconds if run.record else 0.0)
        walls = [run.record.process.wall_seconds for run in inputs.runs_of(longest.variant) if run.record]
        message = (
            f"{len(slow)} of {len(finished)} runs took more than {SLOW_FACTOR:g} times the median of their model's "
            f"runs; the longest is {_seeds(longest.variant, [longest.seed])}, {format_duration(max(walls))} compared "
            f"with a median of {format_duration(median(walls))}. Other load on the machines is a possible cause; "
            "compare wall times between models with care"
        )
        yield Finding(severity="note", where="machines", message=message)


def _seeds(name: str, seeds: Sequence[int]) -> str:
    return f"{name}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _data_warnings(inputs: ReportInputs) -> Iterator[Finding]:
    weight = inputs.plan.dataset.weight
    if weight is not None:
        metrics = (
            "metrics and their standard errors are weighted, too" if weight.metrics else "metrics are not weighted"
        )
        message = f"the training loss weights each row by the column {weight.column}; {metrics}"
        yield Finding(severity="note", where="data", message=message)
    for warning in inputs.prepared.warnings:
        yield Finding(severity="note", where="data", message=warning)


def _different_machines(inputs: ReportInputs) -> Iterator[Finding]:
    machines = [machine.model_dump(mode="json", by_alias=True, exclude={"runs"}) for machine in list_machines(inputs)]
    if len(machines) > 1:
        fields = [field for field in machines[0] if len({canonical_json(machine[field]) for machine in machines}) > 1]
        yield Finding(
            severity="note",
            where="machines",
            message=f"the final runs differ in {' and '.join(fields)} ({len(machines)} combinations, listed in the "
            "appendix)",
        )
