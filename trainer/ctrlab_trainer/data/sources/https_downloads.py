"""`https://` sources: fetched once into the cache, resumed after a break, and checked against the digest that is given.

The digest makes the address harmless: whoever answers there cannot change what an experiment is about.
"""

import hashlib
import os
import time
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.sources.builtin_datasets import cache_folder

ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; twice as long before each further one."""
TIMEOUT_SECONDS: Final = 60
BLOCK_BYTES: Final = 1 << 20


def download_https(url: str, sha256: str | None, field: str, pause: float = PAUSE_SECONDS) -> Path:
    """The file in the cache; `field` is the part of the specification that names it.

    What was received before a break stays and is continued, by this or a later run. Raises InvalidData where the
    digest is missing or another, or the server does not give the file.
    """
    if sha256 is None:
        raise InvalidData.at(
            f"{field}.sha256", f"required for {url}: what the file must be (sha256sum FILE prints it), 64 digits"
        )
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "data"
    target = cache_folder() / "https" / sha256 / name
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{name}.partial")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            _continue(url, partial)
            break
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS - 1:
                raise InvalidData.at(f"{field}.uri", f"{url} cannot be fetched: {error.code} {error.reason}") from error
        except OSError as error:
            if attempt == ATTEMPTS - 1:
                got = partial.stat().st_size if partial.exists() else 0
                raise InvalidData.at(
                    f"{field}.uri",
                    f"{url} cannot be fetched: {error}; {got} bytes are kept, and the next run continues after them",
                ) from error
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        partial.unlink()
        raise InvalidData.at(
            f"{field}.sha256", f"found {found} at {url}, expected {sha256}; the file there is another one"
        )
    os.replace(partial, target)
    return target


def _continue(url: str, partial: Path) -> None:
    """Appends what is missing; from the start where the server cannot continue."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # everything is there already, or the file became shorter: the digest tells
            return
        raise
    with response, partial.open("ab" if response.status == 206 else "wb") as file:
        left = int(response.headers.get("Content-Length", -1))
        while block := response.read(BLOCK_BYTES):
            file.write(block)
            left -= len(block)
        if left > 0:
            raise OSError(f"the connection ended {left} bytes too early")
