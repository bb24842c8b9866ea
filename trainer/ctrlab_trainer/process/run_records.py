"""The record of a finished final run: reading it imports no torch."""

from dataclasses import dataclass

from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.records import RunRecord
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with
from ctrlab_store import Store


@dataclass(frozen=True)
class StoredRecord:
    """A record with the bytes that it was read from."""

    record: RunRecord
    content: bytes


def find_stored_record(experiment: Store, variant: str, seed: int) -> StoredRecord | None:
    """Return the record of the attempt that counts, the one with the lowest number; None without a record."""
    attempts = attempts_with(experiment.list(f"{RUNS_PREFIX}{variant}/{seed}/"), RunFile.RECORD)
    if not attempts:
        return None
    content = experiment.get(ObjectKey.run(variant, seed, attempts[variant, seed][0], RunFile.RECORD))
    return StoredRecord(RunRecord.model_validate_json(content), content)


def find_record(experiment: Store, variant: str, seed: int) -> RunRecord | None:
    """Return the record of a finished run; None if it is not finished."""
    stored = find_stored_record(experiment, variant, seed)
    return None if stored is None else stored.record
