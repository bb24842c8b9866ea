"""Reading the objects of an experiment's folder, each checked against the plan, the data and the search it belongs to.

Report and seed decision read through here, so that a damaged or foreign object gets the same message from both.
"""

from typing import TypeVar

from pydantic import ValidationError

from ctrlab_api.canonical_json import digest
from ctrlab_api.errors import InvalidData
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import (
    Anomaly,
    PreparedData,
    RunEnd,
    RunRecord,
    RunStart,
    SeedDecision,
    StudyRecord,
    interrupted_start,
)
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with, parse_attempt_file
from ctrlab_api.schema_types import ApiModel
from ctrlab_store import Store

Model = TypeVar("Model", bound=ApiModel)


class ObjectReader:
    """Objects of the folder, with a note of every digest."""

    def __init__(self, folder: Store) -> None:
        self._folder = folder
        self.inputs: dict[str, str] = {}

    def has(self, key: str) -> bool:
        """Whether the object is there."""
        return self._folder.exists(key)

    def list(self, prefix: str) -> "list[str]":
        """Keys below the prefix, sorted."""
        return self._folder.list(prefix)

    def raw(self, key: str, when_missing: str) -> bytes:
        """The bytes; InvalidData with `when_missing` where the object is not there."""
        if not self._folder.exists(key):
            raise InvalidData.at(key, f"is missing in {self._folder.uri}: {when_missing}")
        content = self._folder.get(key)
        self.inputs[key] = digest(content)
        return content

    def model(self, kind: type[Model], key: str, when_missing: str) -> Model:
        """The document; InvalidData with its first problem where it is damaged."""
        try:
            return kind.model_validate_json(self.raw(key, when_missing))
        except ValidationError as error:
            problem = error.errors()[0]
            path = ".".join(str(part) for part in problem["loc"]) or "the whole document"
            raise InvalidData.at(
                key, f"{path}: {problem['msg']}; the object is damaged or was written by another version of ctrlab"
            ) from error


def read_plan(reader: ObjectReader) -> Plan:
    """plan.json."""
    return reader.model(Plan, ObjectKey.PLAN, "the folder is no experiment's; check namespace, name and uid")


def read_prepared(reader: ObjectReader) -> PreparedData:
    """prepared.json."""
    return reader.model(PreparedData, ObjectKey.PREPARED, "the prepare job has not finished")


def read_decision(reader: ObjectReader) -> SeedDecision | None:
    """decisions/seeds.json, where the number of seeds was decided."""
    return reader.model(SeedDecision, ObjectKey.SEED_DECISION, "") if reader.has(ObjectKey.SEED_DECISION) else None


def read_study(reader: ObjectReader, variant: str, plan: Plan, prepared: PreparedData) -> StudyRecord:
    """One frozen search, of this plan and on this data."""
    key = ObjectKey.study(variant)
    study = reader.model(StudyRecord, key, f"the search of {variant} is not frozen yet; wait for the tune job")
    _belongs(key, "planDigest", study.plan_digest, plan.digest, ObjectKey.PLAN)
    _belongs(key, "datasetDigest", study.dataset_digest, prepared.digest, ObjectKey.PREPARED)
    return study


def list_attempts(
    reader: ObjectReader, plan: Plan, decision: SeedDecision | None
) -> dict[tuple[str, int], tuple[int, ...]]:
    """Attempt numbers with a record, ascending, by (variant, seed); InvalidData for a run that is not planned."""
    planned = {(run.variant, run.seed) for run in plan.final_runs(decision.count if decision else None)}
    keys = [key for key in reader.list(RUNS_PREFIX) if key.count("/") == 4 and key.endswith(f"/{RunFile.RECORD}")]
    for key in keys:
        run = parse_attempt_file(key)
        if run is None:
            raise InvalidData.at(
                key, "a run lies at runs/<variant>/<seed>/<attempt>, both numbers; move this folder away"
            )
        if (run.variant, run.seed) not in planned:
            raise InvalidData.at(
                key,
                f"the plan has no run of {run.variant} with seed {run.seed}; runs of two plans are mixed: move the "
                f"folder runs/{run.variant}/{run.seed} away",
            )
    return attempts_with(keys, RunFile.RECORD)


def read_record(
    reader: ObjectReader, variant: str, seed: int, attempt: int, plan: Plan, prepared: PreparedData, study: StudyRecord
) -> RunRecord:
    """One attempt's record; InvalidData where it is damaged or belongs to another plan, data set or search."""
    key = ObjectKey.run(variant, seed, attempt, RunFile.RECORD)
    record = reader.model(RunRecord, key, "run this seed again")
    expected: tuple[tuple[str, object, object, str], ...] = (
        ("variant", record.variant, variant, "its folder"),
        ("seed", record.seed, seed, "its folder"),
        ("attempt", record.attempt, attempt, "its folder"),
        ("planDigest", record.plan_digest, plan.digest, ObjectKey.PLAN),
        ("datasetDigest", record.dataset_digest, prepared.digest, ObjectKey.PREPARED),
        ("searchDigest", record.search_digest, study.digest, ObjectKey.study(variant)),
        ("executionMode", record.execution_mode, plan.evaluation.execution_mode, ObjectKey.PLAN),
    )
    for field, found, wanted, source in expected:
        _belongs(key, field, found, wanted, source)
    return record


def read_interrupted_starts(reader: ObjectReader, variant: str, seed: int) -> tuple[Anomaly, ...]:
    """How the logged starts of a run without a record ended, in order."""
    keys = reader.list(ObjectKey.starts(variant, seed))
    ends = {key: reader.model(RunEnd, key, "") for key in keys if key.endswith("-end.json")}
    starts = sorted(
        (reader.model(RunStart, key, "") for key in keys if key not in ends), key=lambda start: start.number
    )
    return tuple(
        interrupted_start(start, ends.get(ObjectKey.starts(variant, seed, RunFile.end(start.number))))
        for start in starts
    )


def _belongs(key: str, field: str, found: object, expected: object, source: str) -> None:
    if found != expected:
        raise InvalidData.at(
            f"{key}, {field}",
            f"is {found}, but {source} says {expected}; results of different plans, data or searches are mixed: move "
            "this object's folder away and run the missing part again",
        )
