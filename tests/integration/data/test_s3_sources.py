"""Sources in a bucket of a real S3 server: many parts, what is fetched twice, and what happens when they go away."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from local_servers.backing_servers import as_s3_client

from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_store import FileStore
from ctrlab_store.s3_store import S3Store
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.sources import s3_downloads

PARTS = 4
ROWS = [f"u{i % 7},i{i % 5},{i % 3 % 2}\n" for i in range(200)]


@pytest.fixture
def bucket(s3_prefix: str) -> S3Store:
    """An empty prefix of the server's bucket."""
    return S3Store.of("tests", s3_prefix.removeprefix("s3://tests/"))


def upload(bucket: S3Store, part: int, rows: list[str]) -> None:
    bucket.replace(f"clicks/part-{part}.csv", ("user,item,click\n" + "".join(rows)).encode())


def fill(bucket: S3Store) -> None:
    for part in range(PARTS):
        upload(bucket, part, ROWS[part * 50 : part * 50 + 50])
    bucket.replace("clicks-of-others/part-9.csv", b"not,ours\n")


def plan_of(uri: str) -> Plan:
    spec: dict[str, Any] = {
        "source": {"uri": uri, "format": "csv"},
        "label": {"column": "click"},
        "features": [{"name": "user", "type": "Categorical"}, {"name": "item", "type": "Categorical"}],
        "split": {"strategy": "Random"},
    }
    return Plan(
        dataset=Dataset.model_validate_json(json.dumps(spec)),
        variants=(Variant(name="LR", architecture="lr"),),
        tuning=Tuning(),
        evaluation=Evaluation(),
        analysis=Analysis(),
    )


def key(name: str) -> ExperimentKey:
    return ExperimentKey(namespace="default", name=name, uid="1")


def test_a_prefix_of_many_parts_is_one_table_equal_to_the_same_files_here(bucket: S3Store, tmp_path: Path) -> None:
    fill(bucket)
    here = tmp_path / "clicks"
    here.mkdir()
    for part in range(PARTS):
        (here / f"part-{part}.csv").write_bytes(bucket.get(f"clicks/part-{part}.csv"))
    store = FileStore.at(tmp_path / "store")
    there = prepare(plan_of(f"{bucket.uri}/clicks/"), store, key("there"))
    assert prepare(plan_of(here.as_uri()), store, key("here")) == there
    assert there.train.rows + there.valid.rows + there.test.rows == len(ROWS)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the objects that are fetched from now on."""
    fetched: list[str] = []
    fetch = s3_downloads._fetch

    def counting(store: S3Store, name: str, key: str, etag: str, path: Path) -> None:
        fetched.append(path.name)
        fetch(store, name, key, etag, path)

    monkeypatch.setattr(s3_downloads, "_fetch", counting)
    return fetched


def test_only_what_changed_is_fetched_again(bucket: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bucket)
    fetched = counted(monkeypatch)
    uri = f"{bucket.uri}/clicks"
    s3_downloads.download_s3(uri, "uri")
    assert fetched == [f"part-{part}.csv" for part in range(PARTS)]
    upload(bucket, 2, ROWS[:7])
    bucket.client.delete_object(Bucket="tests", Key=bucket.prefix + "clicks/part-3.csv")
    folder = s3_downloads.download_s3(uri, "uri")
    assert fetched[PARTS:] == ["part-2.csv"]
    assert sorted(path.name for path in folder.iterdir()) == ["part-0.csv", "part-1.csv", "part-2.csv"]


@pytest.mark.parametrize("vanished", [True, False], ids=["vanished", "overwritten"])
def test_a_source_that_changes_in_the_middle_costs_nothing_that_is_finished(
    bucket: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vanished: bool
) -> None:
    store = FileStore.at(tmp_path / "store")
    fill(bucket)
    uri = f"{bucket.uri}/clicks"
    finished = prepare(plan_of(uri), store, key("finished"))
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    for part in range(PARTS):
        upload(bucket, part, ROWS[:30])
    listed = s3_downloads._listed

    def list_then_change(*arguments: Any) -> dict[str, dict[str, str]]:
        found = listed(*arguments)
        if vanished:
            bucket.client.delete_object(Bucket="tests", Key=bucket.prefix + "clicks/part-2.csv")
        else:
            upload(bucket, 2, ROWS[30:70])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(s3_downloads, "_listed", list_then_change)
        with pytest.raises(InvalidData) as caught:
            prepare(plan_of(uri), store, key("second"))
    assert "spec.dataset.source.uri" in str(caught.value)
    assert "clicks/part-2.csv cannot be read" in str(caught.value)
    assert ("vanished" if vanished else "changed") in str(caught.value)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before

    upload(bucket, 2, ROWS[:30])
    fetched = counted(monkeypatch)
    record = prepare(plan_of(uri), store, key("second"))
    assert fetched == ["part-2.csv", "part-3.csv"]
    assert record.train.rows + record.valid.rows + record.test.rows == PARTS * 30
    assert (
        store.get(ExperimentKey(namespace="default", name="finished", uid="1").object_key(ObjectKey.PREPARED)).decode()
        == finished.to_json()
    )


def test_a_prefix_without_objects_is_named(bucket: S3Store) -> None:
    fill(bucket)
    with pytest.raises(InvalidData, match=r"^spec.dataset.source.uri: s3://tests/.*/click does not exist"):
        s3_downloads.download_s3(f"{bucket.uri}/click", "spec.dataset.source.uri")


@pytest.fixture
def denying() -> Iterator[str]:
    """The URL of a server that answers as S3 does to whom it does not trust."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_bucket_that_denies_says_what_to_check(denying: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_s3_client(denying, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidData) as caught:
        prepare(plan_of("s3://private/clicks"), FileStore.at(tmp_path / "store"), key("denied"))
    message = str(caught.value)
    assert "spec.dataset.source.uri: s3://private/clicks cannot be read: the bucket denies" in message
    assert "AWS_ACCESS_KEY_ID" in message
