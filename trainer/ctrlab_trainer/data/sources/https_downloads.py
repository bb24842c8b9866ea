"""Download of `https://` sources: once into the cache, resumed after an interruption, verified by SHA-256.

Because of the digest, the server cannot change the data of an experiment.
"""

import hashlib
import os
import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from ctrlab_api.errors import InvalidData, ServiceUnavailable
from ctrlab_trainer.data.sources.builtin_datasets import dataset_cache
from ctrlab_trainer.data.sources.file_digests import file_sha256

ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 1.0
"""Seconds before the second attempt, doubled before each further one."""
TIMEOUT_SECONDS: Final = 60
TEMPORARY_CODES: Final = frozenset({408, 425, 429})
"""HTTP codes below 500 of a server that is overloaded or slow."""
BLOCK_BYTES: Final = 1 << 20


def download_https(url: str, sha256: str | None, field: str, pause: float = PAUSE_SECONDS) -> Path:
    """Return the file in the cache; `field` is the field of the specification for error messages.

    Bytes received before an interruption are kept, and this or a later run continues after them. Raises InvalidData if
    the digest is missing or differs, or the server has no such file; ServiceUnavailable if it cannot deliver it now.
    """
    if sha256 is None:
        raise InvalidData.at(
            f"{field}.sha256", f"required for {url}: the SHA-256 of the file, 64 digits (sha256sum FILE prints it)"
        )
    if re.search(r"[^!-~]", url):
        raise InvalidData.at(f"{field}.uri", f"{url} is not a URL; write spaces and other special characters as %XX")
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "data"
    target = dataset_cache() / "https" / sha256 / name
    if target.is_file() and file_sha256(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{name}.partial")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            _resume(url, partial)
            break
        except urllib.error.HTTPError as error:
            problem = f"{url} cannot be downloaded: {error.code} {error.reason}"
            if error.code < 500 and error.code not in TEMPORARY_CODES:
                raise InvalidData.at(f"{field}.uri", problem) from error
            if attempt == ATTEMPTS - 1:
                raise ServiceUnavailable(f"{field}.uri: {problem}") from error
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS - 1:
                received = partial.stat().st_size if partial.exists() else 0
                raise ServiceUnavailable(
                    f"{field}.uri: {url} cannot be downloaded: {error}; {received} bytes are kept for the next run"
                ) from error
    with partial.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        partial.unlink()
        raise InvalidData.at(
            f"{field}.sha256", f"found {actual} at {url}, expected {sha256}; the server has a different file"
        )
    os.replace(partial, target)
    return target


def _resume(url: str, partial: Path) -> None:
    """Append the missing bytes; start again if the server does not support ranges."""
    received = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={received}-"} if received else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and received:  # complete already, or the file became shorter: the digest decides
            return
        raise
    with response, partial.open("ab" if response.status == 206 else "wb") as file:
        remaining = int(response.headers.get("Content-Length", -1))
        while block := response.read(BLOCK_BYTES):
            file.write(block)
            remaining -= len(block)
        if remaining > 0:
            raise OSError(f"the connection ended {remaining} bytes too early")
