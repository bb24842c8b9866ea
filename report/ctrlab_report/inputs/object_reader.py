"""Read the objects of an experiment's folder, each checked against its plan, data set and study.

Report and seed decision share these functions, so that a damaged or foreign object gives the same message in both.
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
    """Reader of the objects of one folder; `digests` collects the digest of every object read, by key."""

    def __init__(self, folder: Store) -> None:
        self._folder = folder
        self.digests: dict[str, str] = {}

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        return self._folder.exists(key)

    def list_keys(self, prefix: str) -> list[str]:
        """Return the keys below the prefix, sorted."""
        return self._folder.list(prefix)

    def read_bytes(self, key: str, remedy: str) -> bytes:
        """Return the content. Raises InvalidData with `remedy` if the object does not exist."""
        if not self._folder.exists(key):
            raise InvalidData.at(key, f"is missing in {self._folder.uri}: {remedy}")
        content = self._folder.get(key)
        self.digests[key] = digest(content)
        return content

    def read_document(self, model: type[Model], key: str, remedy: str = "") -> Model:
        """Return the parsed document. Raises InvalidData with its first problem if it is invalid."""
        try:
            return model.model_validate_json(self.read_bytes(key, remedy))
        except ValidationError as error:
            problem = error.errors()[0]
            path = ".".join(str(part) for part in problem["loc"]) or "the whole document"
            raise InvalidData.at(
                key, f"{path}: {problem['msg']}; the object is damaged or was written by another version of ctrlab"
            ) from error


def read_plan(reader: ObjectReader) -> Plan:
    """Read plan.json."""
    return reader.read_document(
        Plan, ObjectKey.PLAN, "the folder is not that of an experiment; check namespace, name and uid"
    )


def read_prepared(reader: ObjectReader) -> PreparedData:
    """Read prepared.json."""
    return reader.read_document(PreparedData, ObjectKey.PREPARED, "the prepare job has not finished")


def read_decision(reader: ObjectReader) -> SeedDecision | None:
    """Read decisions/seeds.json; None if the number of seeds was not decided."""
    return (
        reader.read_document(SeedDecision, ObjectKey.SEED_DECISION) if reader.exists(ObjectKey.SEED_DECISION) else None
    )


def read_study(reader: ObjectReader, variant: str, plan: Plan, prepared: PreparedData) -> StudyRecord:
    """Read one frozen study. Raises InvalidData if it belongs to another plan or data set."""
    key = ObjectKey.study(variant)
    study = reader.read_document(StudyRecord, key, f"the study of {variant} is not frozen yet; wait for the tune job")
    _require_equal(key, "planDigest", study.plan_digest, plan.digest, ObjectKey.PLAN)
    _require_equal(key, "datasetDigest", study.dataset_digest, prepared.digest, ObjectKey.PREPARED)
    return study


def list_attempts(
    reader: ObjectReader, plan: Plan, decision: SeedDecision | None
) -> dict[tuple[str, int], tuple[int, ...]]:
    """Return the attempt numbers with a record, ascending, by (variant, seed).

    Raises InvalidData for a run that is not planned.
    """
    planned = {(run.variant, run.seed) for run in plan.final_runs(decision.count if decision else None)}
    keys = [key for key in reader.list_keys(RUNS_PREFIX) if key.count("/") == 4 and key.endswith(f"/{RunFile.RECORD}")]
    for key in keys:
        run = parse_attempt_file(key)
        if run is None:
            raise InvalidData.at(
                key,
                "the path of a run is runs/<variant>/<seed>/<attempt>, with numbers for seed and attempt; move this "
                "folder away",
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
    """Read one attempt's record. Raises InvalidData if it is damaged or of another plan, data set or study."""
    key = ObjectKey.run(variant, seed, attempt, RunFile.RECORD)
    record = reader.read_document(RunRecord, key, "run this seed again")
    expected: tuple[tuple[str, object, object, str], ...] = (
        ("variant", record.variant, variant, "its folder"),
        ("seed", record.seed, seed, "its folder"),
        ("attempt", record.attempt, attempt, "its folder"),
        ("planDigest", record.plan_digest, plan.digest, ObjectKey.PLAN),
        ("datasetDigest", record.dataset_digest, prepared.digest, ObjectKey.PREPARED),
        ("searchDigest", record.search_digest, study.digest, ObjectKey.study(variant)),
        ("executionMode", record.execution_mode, plan.evaluation.execution_mode, ObjectKey.PLAN),
    )
    for field, value, required, source in expected:
        _require_equal(key, field, value, required, source)
    return record


def read_interrupted_starts(reader: ObjectReader, variant: str, seed: int) -> tuple[Anomaly, ...]:
    """Return, in order, how each logged start of a run without a record ended."""
    keys = reader.list_keys(ObjectKey.starts(variant, seed))
    ends = {key: reader.read_document(RunEnd, key) for key in keys if key.endswith("-end.json")}
    starts = sorted(
        (reader.read_document(RunStart, key) for key in keys if key not in ends), key=lambda start: start.number
    )
    return tuple(
        interrupted_start(start, ends.get(ObjectKey.starts(variant, seed, RunFile.end(start.number))))
        for start in starts
    )


def _require_equal(key: str, field: str, value: object, expected: object, source: str) -> None:
    if value != expected:
        raise InvalidData.at(
            f"{key}, {field}",
            f"is {value}, but {source} says {expected}; results of different plans, data sets or studies are mixed: "
            "move this object's folder away and run the missing part again",
        )
