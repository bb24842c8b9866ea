"""Conversion of the official archive to atomic files, and verification of downloaded files."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.sources import dataset_fetching
from ctrlab_trainer.data.sources.builtin_datasets import BUILTIN_DATASETS, FETCHABLE
from ctrlab_trainer.data.sources.movielens import GENRES, atomic_files


def item(number: int, title: str, *genres: str) -> str:
    flags = "|".join("1" if genre in genres else "0" for genre in GENRES)
    return f"{number}|{title}|01-Jan-1995||http://example.org|{flags}\n"


def test_the_official_archive_is_converted_to_atomic_files(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    items = [item(1, "A (Film) (1990)", "Drama", "War"), item(2, "Café ", "Comedy"), item(3, "B (1991) ", "unknown")]
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("ml-100k/u.data", "1\t2\t3\t4\n")
        members.writestr("ml-100k/u.user", "1|24|M|writer|10001\n")
        members.writestr("ml-100k/u.item", "".join(items).encode("latin-1"))
    rows = {name: content.decode().splitlines()[1:] for name, content in atomic_files(archive).items()}
    assert rows == {
        "ml-100k.inter": ["1\t2\t3\t4"],
        "ml-100k.user": ["1\t24\tM\twriter\t10001"],
        "ml-100k.item": ["1\tA (Film)\t1990\tDrama War", "2\tunkonwn\tunkonwn\tComedy", "3\tB\t1991\tunknown"],
    }


def test_an_origin_with_different_files_is_rejected_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        dataset_fetching, "ORIGINS", {"elsewhere": lambda _: dict.fromkeys(dataset_fetching.DIGESTS, b"other")}
    )
    with pytest.raises(dataset_fetching.FetchFailed, match=r"elsewhere: the files differ .* Set CTRLAB_DATA"):
        dataset_fetching.fetch_dataset("ml-100k", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_downloaded_data_set_names_its_license(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_fetching, "ORIGINS", {"elsewhere": lambda _: {"a": b"1"}})
    monkeypatch.setattr(dataset_fetching, "DIGESTS", {"a": hashlib.sha256(b"1").hexdigest()})
    for origin in ("elsewhere", "already downloaded"):
        fetched = dataset_fetching.fetch_dataset("ml-100k", tmp_path)
        assert fetched.origin == origin
        assert "research use" in str(fetched.license)


def test_every_data_set_that_can_be_downloaded_has_a_license() -> None:
    assert all(BUILTIN_DATASETS[name].license for name in FETCHABLE)


def test_the_message_for_an_unknown_name_lists_the_allowed_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="cannot download 'netflix'; allowed: ml-100k"):
        dataset_fetching.fetch_dataset("netflix", tmp_path)
