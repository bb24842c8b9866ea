"""Messages and exit codes of `ctrlab data prepare` and `ctrlab data inspect` for sources that cannot be used."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import FM, LR, categorical, dataset_spec, experiment_manifest
from command_line import ctrlab
from local_servers.backing_servers import as_s3_client

from ctrlab_api.names import ExitCode

ROWS = {"item": ["a", "b"] * 30, "click": [0, 1, 1] * 20}
LISTING = """<?xml version="1.0"?><ListBucketResult><Name>clicks</Name><KeyCount>1</KeyCount>
<IsTruncated>false</IsTruncated><Contents><Key>june/0.csv</Key><Size>9</Size><ETag>"1"</ETag></Contents></ListBucketResult>"""


class Bucket(BaseHTTPRequestHandler):
    """A server that denies the bucket `private`, and lists an object of `clicks` that does not exist."""

    def do_GET(self) -> None:
        if self.path.startswith("/private"):
            self._respond(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        elif "list-type" in self.path:
            self._respond(200, LISTING)
        else:
            self._respond(404, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    def _respond(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def no_files(folder: Path) -> None:
    """Write nothing."""


def partially_uploaded(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    (folder / "1.parquet").write_bytes((folder / "0.parquet").read_bytes()[:200])


def different_types(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    pa.parquet.write_table(pa.table({**ROWS, "item": [1, 2] * 30}), folder / "1.parquet")


def different_columns(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    pa.parquet.write_table(pa.table({"item": ["a"]}), folder / "1.parquet")


@dataclass(frozen=True)
class Case:
    """A source that cannot be used, and the expected message."""

    name: str
    uri: str
    write_files: Callable[[Path], None]
    expected: tuple[str, ...]
    exit_code: ExitCode = ExitCode.INVALID_INPUT


FOLDER = "file://{folder}"
CASES = (
    Case(
        "a bucket that denies access",
        "s3://private/june",
        no_files,
        ("spec.dataset.source.uri: s3://private/june cannot be read: access denied", "AWS_ACCESS_KEY_ID"),
        ExitCode.EXPERIMENT_FAILED,
    ),
    Case(
        "an object that disappeared",
        "s3://clicks/june",
        no_files,
        ("spec.dataset.source.uri: s3://clicks/june/0.csv cannot be read: the object disappeared", "run again"),
    ),
    Case(
        "a partially uploaded file",
        FOLDER,
        partially_uploaded,
        ("1.parquet: is not a complete parquet file", "wait until"),
    ),
    Case(
        "files with different types",
        FOLDER,
        different_types,
        ("1.parquet, column item: is int64 here and text in 0.parquet", "write the files again"),
    ),
    Case(
        "files with different columns",
        FOLDER,
        different_columns,
        ("1.parquet: its columns (item) differ from those of 0.parquet (item, click)",),
    ),
)


def specification(folder: Path, uri: str) -> Path:
    dataset = dataset_spec(source={"uri": uri, "format": "parquet"}, features=categorical("item"))
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(experiment_manifest("bad", models=[LR, FM], dataset=dataset)))
    return path


@pytest.mark.parametrize("command", ["prepare", "inspect"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_unusable_source_is_rejected_with_one_message(
    case: Case,
    command: str,
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    case.write_files(rows)
    for name, value in as_s3_client(endpoint, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    arguments = ["data", command, str(specification(tmp_path, case.uri.format(folder=rows)))]
    if command == "prepare":
        arguments += ["--workspace", str(tmp_path / "workspace")]
    assert ctrlab(monkeypatch, *arguments) == case.exit_code
    errors = capsys.readouterr().err
    assert [text for text in case.expected if text not in errors] == [], errors
    assert "Traceback" not in errors
    assert len(errors.splitlines()) == 1
    assert list((tmp_path / "workspace").rglob("*.npy")) == []
