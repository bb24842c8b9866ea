"""Errors of a study database that pass by themselves, and others; simulated drivers and time."""

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, ProgrammingError

from ctrlab_api.outage_waiting import DENIED_SECONDS, OutagePatience
from ctrlab_study import StudyUnavailable
from ctrlab_study.database import Database

POSTGRESQL = "postgresql://user:secret@host/studies"


def raised(kind: type[DBAPIError], original: Exception) -> DBAPIError:
    """Return an error as SQLAlchemy wraps it."""
    return kind("SELECT 1", {}, original)


def database(url: str, seconds: float = 100.0) -> tuple[Database, list[float]]:
    """Return a database whose waiting takes no time, and the pauses."""
    pauses: list[float] = []
    patience = OutagePatience(seconds, clock=lambda: sum(pauses), sleep=pauses.append, log=lambda line: None)
    return Database(url, patience=patience), pauses


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (POSTGRESQL, raised(OperationalError, psycopg.OperationalError("connection refused"))),
        (POSTGRESQL, raised(OperationalError, psycopg.errors.TooManyConnections("too many clients already"))),
        (POSTGRESQL, raised(OperationalError, psycopg.errors.AdminShutdown("terminating connection"))),
        (POSTGRESQL, raised(OperationalError, psycopg.errors.CannotConnectNow("the database is starting up"))),
        (POSTGRESQL, raised(OperationalError, psycopg.errors.DiskFull("could not extend file"))),
        (POSTGRESQL, raised(InternalError, psycopg.errors.ReadOnlySqlTransaction("read-only transaction"))),
        (POSTGRESQL, raised(InterfaceError, psycopg.InterfaceError("the connection is closed"))),
        ("sqlite:///study.db", raised(OperationalError, sqlite3.OperationalError("database is locked"))),
        ("sqlite:///study.db", raised(OperationalError, sqlite3.OperationalError("database or disk is full"))),
        ("sqlite:///study.db", raised(OperationalError, sqlite3.OperationalError("disk I/O error"))),
    ],
    ids=lambda value: str(getattr(value, "orig", value))[:30],
)
def test_an_outage_restart_or_failover_is_waited_for(url: str, error: Exception) -> None:
    opened, pauses = database(url)

    def work() -> str:
        if sum(pauses) < 60:
            raise error
        return "done"

    assert opened.retry(work) == "done"
    assert sum(pauses) >= 60


@pytest.mark.parametrize(
    ("error", "longest"),
    [
        (psycopg.OperationalError('password authentication failed for user "user"'), DENIED_SECONDS),
        (psycopg.OperationalError("connection refused"), 100.0),
    ],
)
def test_the_wait_ends_with_the_cause_and_without_the_password(error: Exception, longest: float) -> None:
    opened, pauses = database(POSTGRESQL)

    def work() -> Any:
        raise raised(OperationalError, error)

    with pytest.raises(StudyUnavailable) as caught:
        opened.retry(work)
    assert sum(pauses) == pytest.approx(longest)
    assert str(error) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_error_that_stays_is_not_waited_for() -> None:
    opened, pauses = database(POSTGRESQL)

    def work() -> Any:
        raise raised(ProgrammingError, psycopg.errors.UndefinedTable("relation does not exist"))

    with pytest.raises(StudyUnavailable, match="relation does not exist"):
        opened.retry(work)
    assert pauses == []
