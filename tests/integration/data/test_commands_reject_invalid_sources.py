"""What `ctrlab data prepare` and `ctrlab data inspect` say of a source that cannot be used, and how they end."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet
import pytest
from local_servers.backing_servers import as_s3_client

from ctrlab.cli import main
from ctrlab_api.names import ExitCode

ROWS = {"item": ["a", "b"] * 30, "click": [0, 1, 1] * 20}
LISTING = """<?xml version="1.0"?><ListBucketResult><Name>clicks</Name><KeyCount>1</KeyCount>
<IsTruncated>false</IsTruncated><Contents><Key>june/0.csv</Key><Size>9</Size><ETag>"1"</ETag></Contents></ListBucketResult>"""


class Bucket(BaseHTTPRequestHandler):
    """A server that denies the bucket `private`, and lists an object of `clicks` which is gone when it is asked for."""

    def do_GET(self) -> None:
        if self.path.startswith("/private"):
            self._answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        elif "list-type" in self.path:
            self._answer(200, LISTING)
        else:
            self._answer(404, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    def _answer(self, status: int, body: str) -> None:
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


def nothing(folder: Path) -> None:
    """No file."""


def half_uploaded(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    (folder / "1.parquet").write_bytes((folder / "0.parquet").read_bytes()[:200])


def other_type(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    pa.parquet.write_table(pa.table({**ROWS, "item": [1, 2] * 30}), folder / "1.parquet")


def other_columns(folder: Path) -> None:
    pa.parquet.write_table(pa.table(ROWS), folder / "0.parquet")
    pa.parquet.write_table(pa.table({"item": ["a"]}), folder / "1.parquet")


@dataclass(frozen=True)
class Case:
    """A source, and what is said of it."""

    name: str
    uri: str
    makes: Callable[[Path], None]
    expected: tuple[str, ...]


FOLDER = "file://{folder}"
CASES = (
    Case(
        "a bucket that denies",
        "s3://private/june",
        nothing,
        ("spec.dataset.source.uri: s3://private/june cannot be read: the bucket denies", "AWS_ACCESS_KEY_ID"),
    ),
    Case(
        "an object that vanished",
        "s3://clicks/june",
        nothing,
        ("spec.dataset.source.uri: s3://clicks/june/0.csv cannot be read: the object vanished", "run again"),
    ),
    Case("a half-uploaded part", FOLDER, half_uploaded, ("1.parquet: is not a complete parquet file", "wait until")),
    Case(
        "parts with other types",
        FOLDER,
        other_type,
        ("1.parquet, column item: is int64 here and text in 0.parquet", "write the parts anew"),
    ),
    Case(
        "parts with other columns",
        FOLDER,
        other_columns,
        ("1.parquet: its columns (item) differ from those of 0.parquet (item, click)",),
    ),
)


def specification(folder: Path, uri: str) -> Path:
    spec = {
        "dataset": {
            "source": {"uri": uri, "format": "parquet"},
            "label": {"column": "click"},
            "features": [{"name": "item", "type": "Categorical"}],
            "split": {"strategy": "Random"},
        },
        "models": [{"name": "LR", "architecture": "lr"}, {"name": "FM", "architecture": "fm"}],
    }
    document = {"apiVersion": "ctrlab.dev/v1alpha1", "kind": "CTRExperiment", "metadata": {"name": "bad"}, "spec": spec}
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("command", ["prepare", "inspect"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_source_ends_the_command_with_one_message_and_exit_code_2(
    case: Case,
    command: str,
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    case.makes(rows)
    for name, value in as_s3_client(endpoint, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    arguments = ["data", command, str(specification(tmp_path, case.uri.format(folder=rows)))]
    if command == "prepare":
        arguments += ["--workspace", str(tmp_path / "workspace")]
    assert ctrlab(monkeypatch, *arguments) == ExitCode.INVALID_INPUT
    said = capsys.readouterr().err
    assert [part for part in case.expected if part not in said] == [], said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert list((tmp_path / "workspace").rglob("*.npy")) == []


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
