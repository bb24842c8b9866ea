"""Sources on a real S3 server: many objects, repeated downloads, and objects that change or disappear."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from builders import categorical, csv_source, dataset_spec, make_plan
from local_servers.backing_servers import as_s3_client

from ctrlab_api.errors import InvalidData, ServiceUnavailable
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_store import FileStore
from ctrlab_store.s3_store import S3Store
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.sources import s3_downloads

FILES = 4
ROWS = [f"u{i % 7},i{i % 5},{i % 3 % 2}\n" for i in range(200)]


@pytest.fixture
def bucket(s3_prefix: str) -> S3Store:
    """Return an empty prefix of the server's bucket."""
    return S3Store.connect("tests", s3_prefix.removeprefix("s3://tests/"))


def upload(bucket: S3Store, file: int, rows: list[str]) -> None:
    bucket.replace(f"clicks/part-{file}.csv", ("user,item,click\n" + "".join(rows)).encode())


def fill(bucket: S3Store) -> None:
    for file in range(FILES):
        upload(bucket, file, ROWS[file * 50 : file * 50 + 50])
    bucket.replace("clicks-of-others/part-9.csv", b"other,columns\n")


def plan_of(uri: str) -> Plan:
    return make_plan(dataset=dataset_spec(source=csv_source(uri), features=categorical("user", "item")))


def key(name: str) -> ExperimentKey:
    return ExperimentKey.parse(f"default/{name}/1")


def test_a_prefix_with_many_objects_is_the_same_table_as_local_files(bucket: S3Store, tmp_path: Path) -> None:
    fill(bucket)
    folder = tmp_path / "clicks"
    folder.mkdir()
    for file in range(FILES):
        (folder / f"part-{file}.csv").write_bytes(bucket.get(f"clicks/part-{file}.csv"))
    store = FileStore.at(tmp_path / "store")
    from_s3 = prepare(plan_of(f"{bucket.uri}/clicks/"), store, key("s3"))
    assert prepare(plan_of(folder.as_uri()), store, key("local")) == from_s3
    assert from_s3.train.rows + from_s3.valid.rows + from_s3.test.rows == len(ROWS)


def record_downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of the objects downloaded from now on."""
    downloads: list[str] = []
    download = s3_downloads._download

    def recording(store: S3Store, name: str, key: str, etag: str, path: Path) -> None:
        downloads.append(path.name)
        download(store, name, key, etag, path)

    monkeypatch.setattr(s3_downloads, "_download", recording)
    return downloads


def test_only_changed_objects_are_downloaded_again(
    bucket: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket)
    downloads = record_downloads(monkeypatch)
    uri = f"{bucket.uri}/clicks"
    s3_downloads.download_s3(uri, "uri")
    assert downloads == [f"part-{file}.csv" for file in range(FILES)]
    upload(bucket, 2, ROWS[:7])
    bucket.client.delete_object(Bucket="tests", Key=bucket.prefix + "clicks/part-3.csv")
    folder = s3_downloads.download_s3(uri, "uri")
    assert downloads[FILES:] == ["part-2.csv"]
    assert sorted(path.name for path in folder.iterdir()) == ["part-0.csv", "part-1.csv", "part-2.csv"]


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "overwritten"])
def test_a_source_that_changes_during_preparation_does_not_affect_finished_work(
    bucket: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    store = FileStore.at(tmp_path / "store")
    fill(bucket)
    uri = f"{bucket.uri}/clicks"
    finished = prepare(plan_of(uri), store, key("finished"))
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    for file in range(FILES):
        upload(bucket, file, ROWS[:30])
    list_objects = s3_downloads._list_objects

    def list_then_change(*arguments: Any) -> dict[str, dict[str, str]]:
        objects = list_objects(*arguments)
        if deleted:
            bucket.client.delete_object(Bucket="tests", Key=bucket.prefix + "clicks/part-2.csv")
        else:
            upload(bucket, 2, ROWS[30:70])
        return objects

    with monkeypatch.context() as patch:
        patch.setattr(s3_downloads, "_list_objects", list_then_change)
        with pytest.raises(InvalidData) as raised:
            prepare(plan_of(uri), store, key("second"))
    assert "spec.dataset.source.uri" in str(raised.value)
    assert "clicks/part-2.csv cannot be read" in str(raised.value)
    assert ("disappeared" if deleted else "changed") in str(raised.value)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before

    upload(bucket, 2, ROWS[:30])
    downloads = record_downloads(monkeypatch)
    record = prepare(plan_of(uri), store, key("second"))
    assert downloads == ["part-2.csv", "part-3.csv"]
    assert record.train.rows + record.valid.rows + record.test.rows == FILES * 30
    assert store.get(key("finished").object_key(ObjectKey.PREPARED)).decode() == finished.to_json()


def test_a_prefix_without_objects_is_rejected_by_name(bucket: S3Store) -> None:
    fill(bucket)
    with pytest.raises(InvalidData, match=r"^spec.dataset.source.uri: s3://tests/.*/click does not exist"):
        s3_downloads.download_s3(f"{bucket.uri}/click", "spec.dataset.source.uri")


@pytest.fixture
def denying_server() -> Iterator[str]:
    """Yield the URL of a server that denies access like S3."""

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


def test_the_message_for_a_denied_bucket_says_what_to_check(
    denying_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in as_s3_client(denying_server, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ServiceUnavailable) as raised:
        prepare(plan_of("s3://private/clicks"), FileStore.at(tmp_path / "store"), key("denied"))
    message = str(raised.value)
    assert "spec.dataset.source.uri: s3://private/clicks cannot be read: access denied" in message
    assert "AWS_ACCESS_KEY_ID" in message
