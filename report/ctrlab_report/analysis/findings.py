"""What a reader needs to trust and to repeat the numbers: machines, openings of test, findings."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import median

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.records import Finding, Machine, RunRecord, TestOpenings, TuningSummary
from ctrlab_report.analysis.process_signals import classify_run
from ctrlab_report.analysis.run_flags import REPETITION_MESSAGES, classify_repetition
from ctrlab_report.analysis.scored_metrics import ScoredMetrics, metric_disagreements
from ctrlab_report.analysis.tuning_summaries import winners_curse_findings
from ctrlab_report.formatting.number_formats import anomaly_name, format_duration
from ctrlab_report.inputs.report_inputs import ReportInputs, RunInputs
from ctrlab_report.statistics.run_anomalies import SLOW_FACTOR, ProcessSignal, RerunOutcome


def list_machines(inputs: ReportInputs) -> tuple[Machine, ...]:
    """Distinct combinations of code, environment, hardware and device, most frequent first."""
    kinds = [_machine(run.record) for run in inputs.runs if run.record is not None]
    texts = [canonical_json(kind) for kind in kinds]
    by_text = dict(zip(texts, kinds, strict=True))
    counted = sorted(Counter(texts).items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(by_text[text].model_copy(update={"runs": count}) for text, count in counted)


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
    """How often the sealed test set was opened by the runs of this plan."""
    first = [opening for run in inputs.runs if run.record is not None for opening in run.record.openings]
    again = [opening for run in inputs.runs for record in run.later_attempts for opening in record.openings]
    reruns = len(again) + sum(opening.reason != "first" for opening in first)
    total = len(first) + len(again)
    return TestOpenings(
        total=total,
        first_attempts=total - reruns,
        reruns=reruns,
        earlier_plans=tuple(plan.plan_digest for plan in inputs.lineage.plans_that_opened(inputs.prepared)),
    )


def collect_findings(
    inputs: ReportInputs, scored: ScoredMetrics, searches: Sequence[TuningSummary]
) -> tuple[Finding, ...]:
    """Everything that a reader should know before using the numbers, warnings first and otherwise in a fixed order."""
    found = chain(
        _missing(inputs),
        winners_curse_findings(searches, float(inputs.plan.analysis.confidence)),
        _anomalous(inputs),
        _data(inputs),
        _machines(inputs),
        metric_disagreements(inputs, scored),
    )
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


def _missing(inputs: ReportInputs) -> Iterator[Finding]:
    for name in inputs.plan.names:
        lost = [run.seed for run in inputs.runs_of(name) if run.record is None]
        if lost:
            yield Finding(
                severity="warning",
                where=name,
                message=f"{len(lost)} of {len(inputs.runs_of(name))} planned runs did not end (seeds "
                f"{', '.join(map(str, lost))}); its numbers are over the others",
            )
        for run in inputs.runs_of(name):
            if run.interrupted_starts:
                where = f"{name}, seed {run.seed}"
                starts = run.interrupted_starts
                message = f"has no result after {len(starts)} starts; the last: {starts[-1].detail}"
                yield Finding(severity="note", where=where, message=message)


def _anomalous(inputs: ReportInputs) -> Iterator[Finding]:
    ended = [(run, run.record) for run in inputs.runs if run.record is not None]
    for name in inputs.plan.names:
        yield from _by_kind(name, [record for run, record in ended if run.variant == name])
    for run, record in ended:
        if record.repetition is not None:
            found = classify_repetition(record.repetition)
            yield Finding(
                severity="note" if found is RerunOutcome.PROPERTY else "warning",
                where=_seeds(run.variant, [run.seed]),
                message=REPETITION_MESSAGES[found],
            )
    yield from _slow(inputs, [run for run, _ in ended])


def _by_kind(name: str, records: Sequence[RunRecord]) -> Iterator[Finding]:
    """One line for each kind of anomaly of a model, with the runs that have it."""
    of_kind: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        for first in {one.kind: one for one in reversed(record.anomalies)}.values():
            of_kind.setdefault(first.kind, []).append((record.seed, first.detail))
    for kind, found in sorted(of_kind.items()):
        message = f"{anomaly_name(kind)}: {found[0][1]}" + (" (the first of them)" if len(found) > 1 else "")
        where = f"all runs of {name}" if 1 < len(records) == len(found) else _seeds(name, [seed for seed, _ in found])
        yield Finding(severity="note", where=where, message=message)


def _slow(inputs: ReportInputs, ended: Sequence[RunInputs]) -> Iterator[Finding]:
    slow = [run for run in ended if ProcessSignal.SLOW in classify_run(inputs, run).signals]
    if slow:
        longest = max(slow, key=lambda run: run.record.process.wall_seconds if run.record else 0.0)
        walls = [run.record.process.wall_seconds for run in inputs.runs_of(longest.variant) if run.record]
        message = (
            f"{len(slow)} of {len(ended)} runs took more than {SLOW_FACTOR:g} times the median of their model's runs; "
            f"the longest is {_seeds(longest.variant, [longest.seed])}, {format_duration(max(walls))} where the "
            "median is "
            f"{format_duration(median(walls))}. The machines had other work, so wall times do not compare the models"
        )
        yield Finding(severity="note", where="machines", message=message)


def _seeds(name: str, seeds: Sequence[int]) -> str:
    return f"{name}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _data(inputs: ReportInputs) -> Iterator[Finding]:
    for warning in inputs.prepared.warnings:
        yield Finding(severity="note", where="data", message=warning)


def _machines(inputs: ReportInputs) -> Iterator[Finding]:
    kinds = [kind.model_dump(mode="json", by_alias=True, exclude={"runs"}) for kind in list_machines(inputs)]
    if len(kinds) > 1:
        differing = [part for part in kinds[0] if len({canonical_json(kind[part]) for kind in kinds}) > 1]
        yield Finding(
            severity="note",
            where="machines",
            message=f"the final runs differ in {' and '.join(differing)} ({len(kinds)} combinations); the appendix has "
            "each of them",
        )
