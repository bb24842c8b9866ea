"""Files at an address: fetched once, continued after a break, and worth nothing without the right digest."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.sources.https_downloads import download_https

CONTENT = bytes(range(256)) * 5_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FIELD = "spec.dataset.source"


@dataclass
class Site:
    """A server with one file, which may break connections."""

    url: str = ""
    breaks: int = 0
    """How many answers end after a third."""
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    """`Range` of each request."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            found.asked.append(wanted)
            if not self.path.endswith("/rows.csv"):
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and found.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            end = len(CONTENT)
            if found.breaks:
                found.breaks -= 1
                end = start + (len(CONTENT) - start) // 3
            self.wfile.write(CONTENT[start:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/rows.csv"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_once(site: Site) -> None:
    first, second = (download_https(site.url, SHA256, FIELD) for _ in range(2))
    assert first == second
    assert first.read_bytes() == CONTENT
    assert site.asked == [""]


@pytest.mark.parametrize("ranges", [True, False], ids=["resumed", "from the start where the server cannot"])
def test_a_broken_connection_costs_what_is_missing(site: Site, ranges: bool) -> None:
    site.breaks, site.ranges = 2, ranges
    assert download_https(site.url, SHA256, FIELD, pause=0).read_bytes() == CONTENT
    assert site.asked == ["", "bytes=426666-", "bytes=711110-" if ranges else "bytes=426666-"]


def test_what_was_received_is_kept_for_the_next_run(site: Site) -> None:
    site.breaks = 4
    with pytest.raises(InvalidData) as caught:
        download_https(site.url, SHA256, FIELD, pause=0)
    assert "spec.dataset.source.uri" in str(caught.value)
    assert "bytes are kept, and the next run continues after them" in str(caught.value)
    assert download_https(site.url, SHA256, FIELD, pause=0).read_bytes() == CONTENT
    assert "" not in site.asked[1:]


def test_another_file_at_the_address_is_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InvalidData) as caught:
        download_https(site.url, "0" * 64, FIELD)
    assert f"spec.dataset.source.sha256: found {SHA256}" in str(caught.value)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_an_absent_file_is_named_at_once(site: Site) -> None:
    with pytest.raises(InvalidData, match=r"spec.dataset.source.uri: http://.*/other cannot be fetched: 404 Not Found"):
        download_https(site.url.replace("rows.csv", "other"), SHA256, FIELD)
    assert len(site.asked) == 1


def test_an_address_without_a_digest_is_refused(site: Site) -> None:
    with pytest.raises(InvalidData, match=r"spec.dataset.source.sha256: required"):
        download_https(site.url, None, FIELD)
    assert site.asked == []
