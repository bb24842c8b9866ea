"""Everything that a report is made from, read once and checked before any number is computed.

After `gather` returns, the rest of the package is pure: plan, data, searches and runs belong together, every score is a
probability, and all runs are scored on the same rows in the same order. Whatever breaks that is refused here with the
name of the object and what to do about it; a run that is missing is no error but a result (`GatheredRun.record` None).
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ctrlab_contract.base import ContractModel
from ctrlab_contract.canonical import digest
from ctrlab_contract.errors import InvalidData
from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import PreparedData, RunRecord, SeedDecision, StudyRecord
from ctrlab_contract.records.lineage import Lineage
from ctrlab_contract.store import Store
from ctrlab_report.predictions import Predictions, TestRows, each_row_once, read_predictions, same_rows

Model = TypeVar("Model", bound=ContractModel)


@dataclass(frozen=True)
class GatheredRun:
    """One planned (variant, seed): its first finished attempt, and what later attempts repeated."""

    variant: str
    seed: int
    record: RunRecord | None
    """None where no attempt ended."""
    scores: NDArray[np.float32] | None
    """[test rows]; None where the run is missing or diverged without predictions."""
    repeats: tuple[RunRecord, ...] = ()
    """Later attempts in order; they never replace the first."""


@dataclass(frozen=True)
class Gathered:
    """The inputs of one report."""

    key: ExperimentKey
    plan: Plan
    prepared: PreparedData
    studies: dict[str, StudyRecord]
    runs: tuple[GatheredRun, ...]
    """Every planned (variant, seed), seeds first."""
    test: TestRows | None
    """None where no run has predictions."""
    decision: SeedDecision | None
    lineage: Lineage
    """Earlier plans that had opened a test set; empty where none is recorded."""
    inputs: dict[str, str]
    """sha256 of every object that was read, by its key below the experiment's folder."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The planned seeds, extension included."""
        return self.plan.evaluation.seeds.values(self.decision.count if self.decision else None)

    def of(self, variant: str) -> tuple[GatheredRun, ...]:
        """The runs of one variant in the order of their seeds."""
        return tuple(run for run in self.runs if run.variant == variant)


def gather(folder: Store, key: ExperimentKey) -> Gathered:
    """Read and check one experiment; `folder` is the store rooted at the experiment.

    Raises InvalidData for a missing or damaged object, and for objects of different plans, data sets or searches.
    """
    reader = _Reader(folder)
    plan = reader.model(Plan, Key.PLAN, "the folder is no experiment's; check namespace, name and uid")
    prepared = reader.model(PreparedData, Key.PREPARED, "the prepare job has not finished")
    decision = reader.model(SeedDecision, Key.SEED_DECISION, "") if folder.exists(Key.SEED_DECISION) else None
    lineage = reader.model(Lineage, Key.LINEAGE, "") if folder.exists(Key.LINEAGE) else Lineage(earlier=())
    studies = {name: _study(reader, name, plan, prepared) for name in plan.names}
    attempts = _attempts(folder, plan, decision)
    runs: list[GatheredRun] = []
    first: tuple[str, TestRows] | None = None
    for planned in plan.final_runs(decision.count if decision else None):
        numbers = attempts.get((planned.variant, planned.seed), [])
        records = [
            _record(reader, planned.variant, planned.seed, n, plan, prepared, studies[planned.variant]) for n in numbers
        ]
        predictions = _predictions(reader, records[0], plan) if records else None
        if predictions is not None:
            where = Key.run(planned.variant, planned.seed, numbers[0], "predictions.parquet")
            if first is None:
                each_row_once(predictions.test, where)
                _check_test(where, predictions.test, prepared)
                first = (where, predictions.test)
            same_rows(first[1], first[0], predictions.test, where)
        runs.append(
            GatheredRun(
                planned.variant,
                planned.seed,
                records[0] if records else None,
                predictions.scores if predictions else None,
                tuple(records[1:]),
            )
        )
    return Gathered(
        key,
        plan,
        prepared,
        studies,
        tuple(runs),
        first[1] if first else None,
        decision,
        lineage,
        dict(sorted(reader.inputs.items())),
    )


class _Reader:
    """Objects of the folder, with a note of every digest."""

    def __init__(self, folder: Store) -> None:
        self._folder = folder
        self.inputs: dict[str, str] = {}

    def raw(self, key: str, when_missing: str) -> bytes:
        if not self._folder.exists(key):
            raise InvalidData.at(key, f"is missing in {self._folder.uri}: {when_missing}")
        content = self._folder.get(key)
        self.inputs[key] = digest(content)
        return content

    def model(self, kind: type[Model], key: str, when_missing: str) -> Model:
        try:
            return kind.model_validate_json(self.raw(key, when_missing))
        except ValidationError as error:
            problem = error.errors()[0]
            path = ".".join(str(part) for part in problem["loc"]) or "the whole document"
            raise InvalidData.at(
                key, f"{path}: {problem['msg']}; the object is damaged or was written by another version of ctrlab"
            ) from error


def _study(reader: _Reader, variant: str, plan: Plan, prepared: PreparedData) -> StudyRecord:
    key = Key.study(variant)
    study = reader.model(StudyRecord, key, f"the search of {variant} is not frozen yet; wait for the tune job")
    _belongs(key, "planDigest", study.plan_digest, plan.digest, Key.PLAN)
    _belongs(key, "datasetDigest", study.dataset_digest, prepared.digest, Key.PREPARED)
    return study


def _attempts(folder: Store, plan: Plan, decision: SeedDecision | None) -> dict[tuple[str, int], list[int]]:
    """Attempt numbers with a record, ascending, by (variant, seed)."""
    planned = {(run.variant, run.seed) for run in plan.final_runs(decision.count if decision else None)}
    found: dict[tuple[str, int], list[int]] = {}
    for key in folder.list("runs/"):
        parts = key.split("/")
        if len(parts) != 5 or parts[4] != "record.json":
            continue
        variant, seed, attempt = parts[1], int(parts[2]), int(parts[3])
        if (variant, seed) not in planned:
            raise InvalidData.at(
                key,
                f"the plan has no run of {variant} with seed {seed}; runs of two plans are mixed: move the folder "
                f"runs/{variant}/{seed} away",
            )
        found.setdefault((variant, seed), []).append(attempt)
    return {run: sorted(numbers) for run, numbers in found.items()}


def _record(
    reader: _Reader, variant: str, seed: int, attempt: int, plan: Plan, prepared: PreparedData, study: StudyRecord
) -> RunRecord:
    key = Key.run(variant, seed, attempt, "record.json")
    record = reader.model(RunRecord, key, "run this seed again")
    expected: tuple[tuple[str, object, object, str], ...] = (
        ("variant", record.variant, variant, "its folder"),
        ("seed", record.seed, seed, "its folder"),
        ("attempt", record.attempt, attempt, "its folder"),
        ("planDigest", record.plan_digest, plan.digest, Key.PLAN),
        ("datasetDigest", record.dataset_digest, prepared.digest, Key.PREPARED),
        ("searchDigest", record.search_digest, study.digest, Key.study(variant)),
    )
    for field, found, wanted, source in expected:
        _belongs(key, field, found, wanted, source)
    return record


def _belongs(key: str, field: str, found: object, expected: object, source: str) -> None:
    if found != expected:
        raise InvalidData.at(
            f"{key}, {field}",
            f"is {found}, but {source} says {expected}; results of different plans, data or searches are mixed: move "
            "this object's folder away and run the missing part again",
        )


def _predictions(reader: _Reader, record: RunRecord, plan: Plan) -> Predictions | None:
    key = Key.run(record.variant, record.seed, record.attempt, "predictions.parquet")
    if record.predictions_sha256 is None:
        if record.state == "Succeeded":
            raise InvalidData.at(
                Key.run(record.variant, record.seed, record.attempt, "record.json"),
                "state is Succeeded and predictionsSha256 is absent; a run without predictions is Diverged: run this "
                "seed again",
            )
        return None
    raw = reader.raw(key, "the record names it, so it was lost after the run: restore it or run this seed again")
    if reader.inputs[key] != record.predictions_sha256:
        raise InvalidData.at(
            key,
            f"has {reader.inputs[key]}, but its record says {record.predictions_sha256}; the file was cut off or "
            "changed after the run: restore it or run this seed again",
        )
    return read_predictions(raw, key, expect_users=plan.dataset.user is not None)


def _check_test(where: str, test: TestRows, prepared: PreparedData) -> None:
    facts: tuple[tuple[str, int, int], ...] = (
        ("rows", int(test.rows.size), prepared.test.rows),
        ("positives", int(test.labels.sum()), prepared.test.positives),
    )
    for what, found, expected in facts:
        if found != expected:
            raise InvalidData.at(
                where,
                f"holds {found} {what}, but {Key.PREPARED} says {expected} for the test part; the run was scored on "
                "other rows: run this seed again",
            )
    if facts[1][1] in (0, facts[0][1]):
        raise InvalidData.at(
            where,
            f"{facts[1][1]} of {facts[0][1]} test rows are clicks; both classes are needed to compare models: choose a "
            "split whose test part has both (spec.dataset.split)",
        )
