"""Gets a real data set that its licence keeps out of this package, and checks it to the last byte.

MovieLens-100K is asked for at its own site first (GroupLens); where that cannot be reached, a wheel in the package
index holds the same data already converted. Both end as the same three files, whose digests are known here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.sources.builtin_datasets import FETCHABLE, cache_folder
from ctrlab_trainer.data.sources.movielens import ARCHIVE_SHA256, ARCHIVE_URL, atomic_files

WHEEL: Final = "recbole==1.2.1"
INSIDE_WHEEL: Final = "recbole/dataset_example/ml-100k/"
CONNECT_SECONDS: Final = 5
WHEEL_SECONDS: Final = 120

DIGESTS: Final[Mapping[str, str]] = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
"""sha256 of the files that both sources give."""


class FetchFailed(Exception):
    """No source gave the data; says what was tried and why each failed."""


class _Unusable(Exception):
    """One source cannot be reached, or gave something else."""


@dataclass(frozen=True)
class FetchedDataset:
    """Where a data set lies now, and where it came from."""

    folder: Path
    origin: str


def fetch_dataset(name: str, into: Path | None = None) -> FetchedDataset:
    """Puts the data set `name` into the folder `into/name` (default: the cache), whole or not at all.

    What is there already and correct is left as it is. Raises InvalidData for a name that cannot be fetched, and
    FetchFailed where no source gave the right files.
    """
    if name not in FETCHABLE:
        raise InvalidData.at("NAME", f"cannot fetch {name!r}; allowed: {', '.join(FETCHABLE)}")
    target = (into or cache_folder()) / name
    if _correct(target):
        return FetchedDataset(target, "already there")
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for origin, source in SOURCES.items():
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as temporary:
            staged = Path(temporary) / name
            staged.mkdir()
            try:
                for file, content in source(Path(temporary)).items():
                    (staged / file).write_bytes(content)
                if not _correct(staged):
                    raise _Unusable("the files differ from those that are expected (sha256)")
            except _Unusable as failure:
                failures.append(f"{origin}: {failure}")
                continue
            _move(staged, target)
            return FetchedDataset(target, origin)
    raise FetchFailed(
        f"{name} could not be fetched. Tried " + "; ".join(failures) + ". Set CTRLAB_DATA to a folder that holds "
        f"{name}/ with {', '.join(DIGESTS)}."
    )


def _correct(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
        for name, expected in DIGESTS.items()
    )


def _move(staged: Path, target: Path) -> None:
    """Gives the folder its name in one step; an incorrect older one makes way."""
    if target.exists() and not _correct(target):
        shutil.rmtree(target)
    try:
        os.rename(staged, target)
    except OSError:
        if not _correct(target):  # else another process was first
            raise


def _from_grouplens(temporary: Path) -> dict[str, bytes]:
    archive = temporary / "ml-100k.zip"
    try:
        with urllib.request.urlopen(ARCHIVE_URL, timeout=CONNECT_SECONDS) as response, archive.open("wb") as file:
            shutil.copyfileobj(response, file)
    except OSError as error:
        raise _Unusable(f"cannot be reached ({error})") from error
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise _Unusable("the archive differs from the published one (sha256)")
    return atomic_files(archive)


def _from_wheel(temporary: Path) -> dict[str, bytes]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(temporary), WHEEL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WHEEL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _Unusable(f"pip download took longer than {WHEEL_SECONDS} s") from error
    wheels = sorted(temporary.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = done.stderr.strip().splitlines() or ["no wheel came"]
        raise _Unusable(f"pip download failed ({lines[-1]})")
    with zipfile.ZipFile(wheels[0]) as wheel:
        try:
            return {name: wheel.read(INSIDE_WHEEL + name) for name in DIGESTS}
        except KeyError as error:
            raise _Unusable(f"the wheel lacks a file ({error})") from error


SOURCES: Final[Mapping[str, Callable[[Path], dict[str, bytes]]]] = {
    ARCHIVE_URL: _from_grouplens,
    f"{WHEEL} of the package index": _from_wheel,
}
"""Where the data are asked for, in this order: origin -> the files it gives."""
