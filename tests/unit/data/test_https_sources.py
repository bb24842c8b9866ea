"""HTTPS sources: downloaded once, resumed after an interruption, and rejected without the right digest."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ctrlab_api.errors import InvalidData, ServiceUnavailable
from ctrlab_trainer.data.sources.https_downloads import download_https

CONTENT = bytes(range(256)) * 5_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FIELD = "spec.dataset.source"


@dataclass
class Site:
    """A server with one file, which can interrupt responses."""

    url: str = ""
    interruptions: int = 0
    """Number of responses that end after a third."""
    ranges: bool = True
    requested_ranges: list[str] = field(default_factory=list)
    """`Range` header of each request."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested = self.headers.get("Range", "")
            site.requested_ranges.append(requested)
            if not self.path.endswith("/rows.csv"):
                self.send_error(404)
                return
            start = int(requested.removeprefix("bytes=").rstrip("-")) if requested and site.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            end = len(CONTENT)
            if site.interruptions:
                site.interruptions -= 1
                end = start + (len(CONTENT) - start) // 3
            self.wfile.write(CONTENT[start:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}/rows.csv"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def test_a_file_is_downloaded_once(site: Site) -> None:
    first, second = (download_https(site.url, SHA256, FIELD) for _ in range(2))
    assert first == second
    assert first.read_bytes() == CONTENT
    assert site.requested_ranges == [""]


@pytest.mark.parametrize("ranges", [True, False], ids=["resumed", "restarted without support for ranges"])
def test_after_an_interruption_only_the_missing_bytes_are_downloaded(site: Site, ranges: bool) -> None:
    site.interruptions, site.ranges = 2, ranges
    assert download_https(site.url, SHA256, FIELD, pause=0).read_bytes() == CONTENT
    assert site.requested_ranges == ["", "bytes=426666-", "bytes=711110-" if ranges else "bytes=426666-"]


def test_received_bytes_are_kept_for_the_next_run(site: Site) -> None:
    site.interruptions = 4
    with pytest.raises(ServiceUnavailable) as raised:
        download_https(site.url, SHA256, FIELD, pause=0)
    assert "spec.dataset.source.uri" in str(raised.value)
    assert "bytes are kept for the next run" in str(raised.value)
    assert download_https(site.url, SHA256, FIELD, pause=0).read_bytes() == CONTENT
    assert "" not in site.requested_ranges[1:]


def test_a_file_with_another_digest_is_rejected_and_not_kept(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InvalidData) as raised:
        download_https(site.url, "0" * 64, FIELD)
    assert f"spec.dataset.source.sha256: found {SHA256}" in str(raised.value)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_an_absent_file_is_rejected_without_a_retry(site: Site) -> None:
    with pytest.raises(
        InvalidData, match=r"spec.dataset.source.uri: http://.*/other cannot be downloaded: 404 Not Found"
    ):
        download_https(site.url.replace("rows.csv", "other"), SHA256, FIELD)
    assert len(site.requested_ranges) == 1


def test_a_url_without_a_digest_is_rejected(site: Site) -> None:
    with pytest.raises(InvalidData, match=r"spec.dataset.source.sha256: required"):
        download_https(site.url, None, FIELD)
    assert site.requested_ranges == []


def test_a_damaged_file_in_the_cache_is_downloaded_again(site: Site) -> None:
    path = download_https(site.url, SHA256, FIELD)
    path.write_bytes(b"x" * len(CONTENT))
    assert download_https(site.url, SHA256, FIELD).read_bytes() == CONTENT


def test_a_url_with_a_space_is_rejected_with_the_way_to_write_it(site: Site) -> None:
    with pytest.raises(InvalidData, match="write spaces and other special characters as %XX"):
        download_https(f"{site.url}/my rows.csv", SHA256, FIELD)
