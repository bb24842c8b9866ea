"""The attempt that counts is the one with the lowest number that has a record."""

from pathlib import Path

import pytest

from ctrlab_api.names import ObjectKey
from ctrlab_api.records import RunRecord
from ctrlab_store import open_store
from ctrlab_trainer.process.run_records import find_record, find_stored_record


def test_attempt_2_counts_before_attempt_10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunRecord, "model_validate_json", lambda content: content)
    store = open_store(tmp_path.as_uri())
    store.put(ObjectKey.run("SIN", 7, 1, "opening.json"), b"no record")
    assert find_record(store, "SIN", 7) is None
    for attempt in (10, 2):
        store.put(ObjectKey.run("SIN", 7, attempt, "record.json"), f"attempt {attempt}".encode())
    stored = find_stored_record(store, "SIN", 7)
    assert stored is not None
    assert stored.content == b"attempt 2"
    assert find_record(store, "SIN", 7) == stored.record
    assert find_record(store, "SIN", 8) is None
