"""What a reader needs to trust and to repeat the numbers: machines, openings of test, findings."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from ctrlab_contract.canonical import canonical_json
from ctrlab_contract.records import Anomaly, Finding, Machine, RunRecord, TestOpenings
from ctrlab_report.analysis.flags import REPETITIONS, judge_repetition
from ctrlab_report.analysis.process import process_of
from ctrlab_report.analysis.scored import Scored, disagreements
from ctrlab_report.gather import Gathered
from ctrlab_report.statistics.anomalies import SLOW_FACTOR, ProcessSignal, RerunFinding
from ctrlab_report.wording import anomaly_name, duration


def machines(gathered: Gathered) -> tuple[Machine, ...]:
    """Distinct combinations of code, environment, hardware and device, most frequent first."""
    kinds = [_machine(run.record) for run in gathered.runs if run.record is not None]
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
        runs=1,
    )


def openings(gathered: Gathered) -> TestOpenings:
    """How often the sealed test set was opened by the runs of this plan."""
    first = [opening for run in gathered.runs if run.record is not None for opening in run.record.openings]
    again = [opening for run in gathered.runs for record in run.repeats for opening in record.openings]
    reruns = len(again) + sum(opening.reason != "first" for opening in first)
    total = len(first) + len(again)
    return TestOpenings(
        total=total,
        first_attempts=total - reruns,
        reruns=reruns,
        earlier_plans=gathered.lineage.opened(gathered.prepared.digest),
    )


def findings(gathered: Gathered, scored: Scored) -> tuple[Finding, ...]:
    """Everything that a reader should know before using the numbers, warnings first and otherwise in a fixed order."""
    found = [
        finding
        for source in (_missing, _anomalous, _data, _machines, lambda g: disagreements(g, scored))
        for finding in source(gathered)
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


def _missing(gathered: Gathered) -> Iterator[Finding]:
    for name in gathered.plan.names:
        lost = [run.seed for run in gathered.of(name) if run.record is None]
        if lost:
            yield Finding(
                severity="warning",
                where=name,
                message=f"{len(lost)} of {len(gathered.of(name))} planned runs did not end (seeds "
                f"{', '.join(map(str, lost))}); its numbers are over the others",
            )
        for run in gathered.of(name):
            if run.cut_off:
                where = f"{name}, seed {run.seed}"
                message = f"has no result after {len(run.cut_off)} starts; the last: {run.cut_off[-1].detail}"
                yield Finding(severity="note", where=where, message=message)


def _anomalous(gathered: Gathered) -> Iterator[Finding]:
    ended = [(run, run.record) for run in gathered.runs if run.record is not None]
    for name in gathered.plan.names:
        yield from _by_kind(name, {run.seed: record.anomalies for run, record in ended if run.variant == name})
    for run, record in ended:
        where = f"{run.variant}, seed {run.seed}"
        if ProcessSignal.SLOW in process_of(gathered, run).signals:
            walls = [other.process.wall_seconds for found, other in ended if found.variant == run.variant]
            message = (
                f"took {duration(record.process.wall_seconds)}, more than {SLOW_FACTOR:g} times the median of its "
                f"model's runs, {duration(median(walls))}: look at the machine ({record.process.worker}) before you "
                "compare times"
            )
            yield Finding(severity="note", where=where, message=message)
        if record.repetition is not None:
            found = judge_repetition(record.repetition)
            yield Finding(
                severity="note" if found is RerunFinding.PROPERTY else "warning",
                where=where,
                message=REPETITIONS[found],
            )


def _by_kind(name: str, by_seed: Mapping[int, Sequence[Anomaly]]) -> Iterator[Finding]:
    """One line for each run and anomaly; one line for a kind that more than half of the runs share."""
    by_kind: dict[str, list[str]] = {}
    for anomalies in by_seed.values():
        for first in {one.kind: one for one in reversed(anomalies)}.values():
            by_kind.setdefault(first.kind, []).append(first.detail)
    common = {kind for kind, found in by_kind.items() if len(found) > max(len(by_seed) / 2, 1)}
    for kind in sorted(common):
        runs = f"{len(by_kind[kind])} of {len(by_seed)} runs"
        message = f"{anomaly_name(kind)} in {runs}; in the first of them: {by_kind[kind][0]}"
        yield Finding(severity="note", where=name, message=message)
    for seed, anomalies in by_seed.items():
        for one in anomalies:
            if one.kind not in common:
                message = f"{anomaly_name(one.kind)}: {one.detail}"
                yield Finding(severity="note", where=f"{name}, seed {seed}", message=message)


def _data(gathered: Gathered) -> Iterator[Finding]:
    for warning in gathered.prepared.warnings:
        yield Finding(severity="note", where="data", message=warning)


def _machines(gathered: Gathered) -> Iterator[Finding]:
    kinds = [kind.model_dump(mode="json", by_alias=True, exclude={"runs"}) for kind in machines(gathered)]
    if len(kinds) > 1:
        differing = [part for part in kinds[0] if len({canonical_json(kind[part]) for kind in kinds}) > 1]
        yield Finding(
            severity="note",
            where="machines",
            message=f"the final runs differ in {' and '.join(differing)} ({len(kinds)} combinations); the appendix has "
            "each of them",
        )
