"""A file is replaced in one step, and a failed write leaves the old file and no temporary one."""

import os
import stat
from pathlib import Path

import pytest

from ctrlab_store.atomic_files import read_umask, staged_file, write_atomically


def test_a_file_is_created_with_its_folders_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~read_umask()


def test_a_failed_replacement_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    def fail(source: Path, target: Path) -> None:
        assert source.read_bytes() == b"new", "the content is complete before the rename"
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_staged_file_that_was_not_renamed_is_removed(tmp_path: Path) -> None:
    with staged_file(tmp_path / "file") as (file, temporary):
        assert temporary.parent == tmp_path
        file.write(b"partial")
    assert not list(tmp_path.iterdir())
