"""A full disk is named as such, also where a library reports another error."""

import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from sqlalchemy.exc import OperationalError

from ctrlab_api.infrastructure_faults import infrastructure_fault
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_study.database import Database
from ctrlab_study.errors import StudyUnavailable


class Usage(NamedTuple):
    """The result of `shutil.disk_usage`."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize(("free", "named"), [(0, True), (1 << 30, False)])
@pytest.mark.parametrize("text", ["disk I/O error", "database or disk is full"])
def test_an_io_error_of_sqlite_on_a_full_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, named: bool, text: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 30, 0, free))
    database = Database(f"sqlite:///{tmp_path / 'study.db'}", patience=OutagePatience(seconds=0))

    def fail() -> NoReturn:
        raise OperationalError("INSERT", None, sqlite3.OperationalError(text))

    with pytest.raises(StudyUnavailable) as error:
        database.retry(fail)
    assert (f"the disk of {tmp_path} is full (0 bytes free): free some space" in str(error.value)) == named


def test_a_short_write_of_numpy_is_a_full_disk() -> None:
    fault = infrastructure_fault(OSError("1048576 requested and 4096 written"))
    assert fault is not None
    assert "the disk of this node is full" in str(fault)
    assert infrastructure_fault(OSError("2 rows requested and 1 written to x")) is None
