"""Download of public data sets that are not part of this package because of their license.

MovieLens-100K is downloaded from GroupLens; if that site cannot be reached, from a wheel on the package index that
contains the same data already converted. Both give the same three files, which are verified by their digests.
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
from ctrlab_trainer.data.sources.builtin_datasets import BUILTIN_DATASETS, FETCHABLE, dataset_cache
from ctrlab_trainer.data.sources.movielens import ARCHIVE_SHA256, ARCHIVE_URL, atomic_files

WHEEL: Final = "recbole==1.2.1"
WHEEL_FOLDER: Final = "recbole/dataset_example/ml-100k/"
CONNECT_SECONDS: Final = 5
WHEEL_SECONDS: Final = 120

DIGESTS: Final[Mapping[str, str]] = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
"""SHA-256 of the files, the same for both origins."""


class FetchFailed(Exception):
    """No origin delivered the data; the message lists what was tried and why each failed."""


class _OriginFailed(Exception):
    """An origin cannot be reached, or delivered different files."""


@dataclass(frozen=True)
class FetchedDataset:
    """Folder and origin of a downloaded data set."""

    folder: Path
    origin: str
    license: str | None
    """Terms of use, as the publisher states them."""


def fetch_dataset(name: str, into: Path | None = None) -> FetchedDataset:
    """Download the data set `name` into the folder `into/name` (default: the cache), completely or not at all.

    Correct files in the folder are kept. Raises InvalidData for a name that cannot be downloaded, and FetchFailed if no
    origin delivered the right files.
    """
    if name not in FETCHABLE:
        raise InvalidData.at("NAME", f"cannot download {name!r}; allowed: {', '.join(FETCHABLE)}")
    target = (into or dataset_cache()) / name
    terms = BUILTIN_DATASETS[name].license
    if _is_correct(target):
        return FetchedDataset(target, "already downloaded", terms)
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for origin, download in ORIGINS.items():
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as temporary:
            staged = Path(temporary) / name
            staged.mkdir()
            try:
                for file, content in download(Path(temporary)).items():
                    (staged / file).write_bytes(content)
                if not _is_correct(staged):
                    raise _OriginFailed("the files differ from the expected ones (sha256)")
            except _OriginFailed as failure:
                failures.append(f"{origin}: {failure}")
                continue
            _move(staged, target)
            return FetchedDataset(target, origin, terms)
    raise FetchFailed(
        f"{name} could not be downloaded. Tried " + "; ".join(failures) + ". Set CTRLAB_DATA to a folder that contains "
        f"{name}/ with {', '.join(DIGESTS)}."
    )


def _is_correct(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
        for name, expected in DIGESTS.items()
    )


def _move(staged: Path, target: Path) -> None:
    """Rename the folder in one step; an incorrect existing one is removed."""
    if target.exists() and not _is_correct(target):
        shutil.rmtree(target)
    try:
        os.rename(staged, target)
    except OSError:
        if not _is_correct(target):  # otherwise another process was faster
            raise


def _from_grouplens(temporary: Path) -> dict[str, bytes]:
    archive = temporary / "ml-100k.zip"
    try:
        with urllib.request.urlopen(ARCHIVE_URL, timeout=CONNECT_SECONDS) as response, archive.open("wb") as file:
            shutil.copyfileobj(response, file)
    except OSError as error:
        raise _OriginFailed(f"cannot be reached ({error})") from error
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise _OriginFailed("the archive differs from the published one (sha256)")
    return atomic_files(archive)


def _from_wheel(temporary: Path) -> dict[str, bytes]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(temporary), WHEEL]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=WHEEL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _OriginFailed(f"pip download took longer than {WHEEL_SECONDS} s") from error
    wheels = sorted(temporary.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        lines = process.stderr.strip().splitlines() or ["no wheel was downloaded"]
        raise _OriginFailed(f"pip download failed ({lines[-1]})")
    with zipfile.ZipFile(wheels[0]) as wheel:
        try:
            return {name: wheel.read(WHEEL_FOLDER + name) for name in DIGESTS}
        except KeyError as error:
            raise _OriginFailed(f"the wheel lacks a file ({error})") from error


ORIGINS: Final[Mapping[str, Callable[[Path], dict[str, bytes]]]] = {
    ARCHIVE_URL: _from_grouplens,
    f"{WHEEL} from the package index": _from_wheel,
}
"""Origins in the order in which they are tried -> function that returns the files."""
