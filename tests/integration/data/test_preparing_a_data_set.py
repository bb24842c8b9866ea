"""`prepare` with real files and a real store: data sets are prepared once, sealed, reused and never incomplete."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import categorical, csv_source, dataset_spec, make_plan, synthetic_source

from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_store import FileStore, open_store
from ctrlab_trainer.data.preparation import dataset_preparation
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc_of
from ctrlab_trainer.data.prepared.encoded_splits import open_split
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.data.readers.delimited_files import read_delimited

KEY = ExperimentKey.parse("default/e/1")
OTHER = ExperimentKey.parse("default/f/2")


def plan_of(**dataset: Any) -> Plan:
    default = {
        "source": synthetic_source(4000, users=40, items=24),
        "features": [*categorical("item_id"), {"name": "past", "type": "History", "of": "item_id", "maxLength": 5}],
        "user": "user_id",
        "time": "timestamp",
        "split": {"strategy": "Temporal"},
    }
    return make_plan(dataset=dataset_spec(**{**default, **dataset}))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    file_store = open_store((tmp_path / "store").as_uri())
    assert isinstance(file_store, FileStore)
    return file_store


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_prepared_data_is_opened_as_it_was_encoded(store: FileStore) -> None:
    record = prepare(plan_of(), store, KEY)
    schema, train, valid = open_train_valid(store, record)
    assert (train.rows, valid.rows, record.test.rows) == (3200, 400, 400)
    assert isinstance(train.categorical, np.memmap)
    assert int(valid.labels.sum()) == record.valid.positives
    past = train.histories["past"]
    assert int((past.end - past.start).max()) == 5
    assert [feature.name for feature in schema.features] == ["item_id", "past"]
    assert store.get(KEY.object_key(ObjectKey.PREPARED)).decode() == record.to_json()


def test_test_rows_are_only_under_the_sealed_prefix(store: FileStore) -> None:
    record = prepare(plan_of(), store, KEY)
    schema, _, _ = open_train_valid(store, record)
    test = open_split(store.local_folder(ObjectKey.sealed(record.digest)), schema)
    assert test.rows == 400
    assert not any("test" in key for key in store.list(ObjectKey.dataset(record.digest)))
    events = len(open_train_valid(store, record)[2].histories["past"].events)
    assert events == record.train.positives + record.valid.positives


def test_equal_inputs_give_equal_bytes_in_another_store(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    records = [prepare(plan_of(), FileStore.at(folder), KEY) for folder in folders]
    assert records[0] == records[1]
    assert contents(folders[0]) == contents(folders[1])


def test_a_prepared_data_set_is_not_read_again(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(plan_of(), store, KEY)

    def fail(*_: object) -> None:
        raise AssertionError("the source was read again")

    monkeypatch.setattr(dataset_preparation, "read_source", fail)
    assert prepare(plan_of(), store, OTHER) == first


def test_other_preprocessing_of_the_same_rows_is_another_data_set(store: FileStore) -> None:
    first = prepare(plan_of(), store, KEY)
    second = prepare(plan_of(preprocessing={"minFrequency": 300}), store, OTHER)
    assert first.digest != second.digest
    assert first.vocabulary["item_id"] > second.vocabulary["item_id"]


def test_after_a_crash_between_seal_and_data_the_next_run_completes(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_folder = FileStore.put_folder

    def crash(self: FileStore, prefix: str, folder: Path) -> None:
        if prefix.startswith("datasets/"):
            raise KeyboardInterrupt
        put_folder(self, prefix, folder)

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "put_folder", crash)
        with pytest.raises(KeyboardInterrupt):
            prepare(plan_of(), store, KEY)
    assert store.list("sealed/") != []
    assert store.list("datasets/") == []
    record = prepare(plan_of(), store, KEY)
    assert open_train_valid(store, record)[1].rows == 3200


def test_invalid_data_leaves_nothing_in_the_store(store: FileStore) -> None:
    with pytest.raises(InvalidData):
        prepare(plan_of(label={"column": "hour"}), store, KEY)
    assert store.list("") == []


def test_the_best_possible_auc_of_generated_data_is_stored_for_every_split(store: FileStore) -> None:
    record = prepare(plan_of(), store, KEY)
    assert record.bayes_optimal is not None
    folder = store.local_folder(ObjectKey.dataset(record.digest))
    assert bayes_auc_of(folder / "valid") == record.bayes_optimal["valid"]
    sealed = bayes_auc_of(store.local_folder(ObjectKey.sealed(record.digest)))
    assert sealed is not None
    assert 0.6 < sealed < 0.9


def files_plan(uri: str) -> Plan:
    return plan_of(
        source=csv_source(uri),
        features=categorical("item"),
        user=None,
        time=None,
        split={"strategy": "Random"},
    )


def write_files(folder: Path) -> None:
    folder.mkdir()
    for file in range(3):
        rows = "".join(f"i{row % 4},{row % 2}\n" for row in range(60))
        (folder / f"{file}.csv").write_text("item,click\n" + rows)


def test_a_source_may_disappear_after_it_was_read(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rows"
    write_files(folder)

    def remove_then_encode(*arguments: Any) -> Any:
        shutil.rmtree(folder)
        return encode_dataset(*arguments)

    monkeypatch.setattr("ctrlab_trainer.data.preparation.dataset_preparation.encode_dataset", remove_then_encode)
    record = prepare(files_plan(folder.as_uri()), store, KEY)
    assert open_train_valid(store, record)[1].rows == 144


def test_a_source_that_disappears_while_it_is_read_does_not_affect_finished_work(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rows"
    write_files(folder)
    finished = prepare(files_plan(folder.as_uri()), store, KEY)
    (folder / "0.csv").write_text("item,click\n" + "i0,0\ni1,1\n" * 90)
    before = contents(store.root)
    read = read_delimited

    def remove_next_file(table: Any, path: Path, *arguments: Any) -> Any:
        yield from read(table, path, *arguments)
        (folder / "1.csv").unlink(missing_ok=True)

    monkeypatch.setattr("ctrlab_trainer.data.readers.source_reading.read_delimited", remove_next_file)
    with pytest.raises(InvalidData, match=r"1\.csv"):
        prepare(files_plan(folder.as_uri()), store, OTHER)
    assert contents(store.root) == before
    assert open_train_valid(store, finished)[1].rows == 144
