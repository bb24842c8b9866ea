"""Connections to the study database, PostgreSQL or SQLite: one transaction at a time, retried after transient errors.

Connections are closed after each use, so a worker keeps none open while it trains. All times come from the database's
clock, because the clocks of the workers' machines differ.
"""

import fcntl
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import optuna
from sqlalchemy import Connection, Engine, Float, NullPool, create_engine, event, inspect, literal_column, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.outage_waiting import DENIED_SECONDS, OutagePatience
from ctrlab_study.errors import StudyUnavailable
from ctrlab_study.slots import metadata, trial_leases

T = TypeVar("T")

DEFAULT_PATIENCE: Final = OutagePatience(seconds=120.0)
SQLITE_BUSY_SECONDS: Final = 60
"""Seconds for which SQLite waits for another process's transaction."""
POSTGRESQL_CONNECT_ARGS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Connection options of libpq, in seconds, `tcp_user_timeout` in ms: a server whose node is gone never closes the
connection, and a query to it would wait for hours."""
READ_ONLY_STATES: Final = frozenset({"25006", "57P01", "57P02", "57P03"})
"""SQLSTATEs of a server that is read-only, as after a failover, or that is stopping or starting."""
SQLITE_DISK_WORDS: Final = ("full", "disk I/O error", "unable to open database file")
FULL_DISK_BYTES: Final = 1 << 20
"""Less free space than this explains an error of SQLite, whose log grows in steps of some kilobytes."""
SQLITE_TRANSIENT_WORDS: Final = ("locked", "busy", "full", "disk I/O error", "readonly")
SCHEMA_LOCK: Final = 0x6374726C6162
"""PostgreSQL advisory lock under which tables are created."""


class Database:
    """One study database, for one process and its threads."""

    def __init__(self, url: str, *, patience: OutagePatience = DEFAULT_PATIENCE) -> None:
        """`patience`: how long transient errors are retried. Connects only when used."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise _unusable("not a database URL") from None
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in ("postgresql+psycopg", "sqlite"):
            raise _unusable(parsed.render_as_string(hide_password=True))
        self.is_sqlite = parsed.drivername == "sqlite"
        if self.is_sqlite and parsed.database in (None, "", ":memory:"):
            raise _unusable(f"{url}, which workers cannot share")
        # A database created without an encoding (SQL_ASCII) would return text as bytes. The encoding is in the URL
        # because Optuna's migration creates an engine from the URL alone.
        self.url = parsed if self.is_sqlite else parsed.update_query_dict({"client_encoding": "utf8"})
        self.name = parsed.render_as_string(hide_password=True)
        self.patience = patience

    @property
    def now(self) -> ColumnElement[float]:
        """Seconds since 1970 by the database's clock."""
        clock = (
            "(julianday('now') - 2440587.5) * 86400.0"
            if self.is_sqlite
            else "extract(epoch from clock_timestamp())::float8"
        )
        return literal_column(f"({clock})", Float)

    @cached_property
    def engine(self) -> Engine:
        """The engine of the slot tables."""
        engine = create_engine(self.url, **self._engine_options)
        self._lock_before_writing(engine)
        return engine

    @cached_property
    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's tables, created if they are missing, behind one cache of finished trials for this process.

        Optuna creates a cache for each study object unless it is given one, and reads every trial again to fill it.
        """
        return optuna.storages.get_storage(self.optuna_tables)

    @cached_property
    def optuna_tables(self) -> optuna.storages.RDBStorage:
        """Optuna's tables without a cache."""
        self.create_schema()
        return self.retry(lambda: self._optuna_storage(create=False))

    def create_schema(self) -> None:
        """Create the missing tables; any number of processes may do it at once."""
        if self.retry(lambda: inspect(self.engine).has_table(trial_leases.name)):
            return
        with self._schema_lock():
            self.retry(lambda: self._optuna_storage(create=True)).engine.dispose()
            # Last, because these tables mark the schema as complete.
            self.transact(lambda connection: metadata.create_all(connection))

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Return the result of `work` in one transaction, which is repeated after a transient error."""

        def attempt() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return self.retry(attempt)

    def retry(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, which must be idempotent; raise StudyUnavailable when patience ends."""

        def attempt() -> T:
            try:
                return work()
            except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
                cause = _cause(error)
                message = f"study database {self.name}: {_first_line(cause)}{self._full_disk(cause)}"
                raise StudyUnavailable(message, longest_wait=self._longest_wait(cause)) from error

        return self.patience.wait_out(attempt)

    def _full_disk(self, cause: BaseException) -> str:
        """Return the remark that the disk is full, which SQLite often calls an I/O error; else the empty text."""
        if not self.is_sqlite or not any(word in str(cause) for word in SQLITE_DISK_WORDS):
            return ""
        folder = Path(str(self.url.database)).absolute().parent
        try:
            free = shutil.disk_usage(folder).free
        except OSError:
            return ""
        return f"; the disk of {folder} is full ({free} bytes free): free some space" if free < FULL_DISK_BYTES else ""

    def dispose(self) -> None:
        """Close both engines; the next use creates them again."""
        self.__dict__.pop("storage", None)
        for name in ("engine", "optuna_tables"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                (opened if name == "engine" else opened.engine).dispose()

    @property
    def _engine_options(self) -> dict[str, Any]:
        arguments = {"timeout": SQLITE_BUSY_SECONDS} if self.is_sqlite else POSTGRESQL_CONNECT_ARGS
        return {"poolclass": NullPool, "connect_args": arguments}

    def _optuna_storage(self, *, create: bool) -> optuna.storages.RDBStorage:
        url = self.url.render_as_string(hide_password=False)
        storage = optuna.storages.RDBStorage(url, engine_kwargs=self._engine_options, skip_table_creation=not create)
        self._lock_before_writing(storage.engine)
        return storage

    def _lock_before_writing(self, engine: Engine) -> None:
        """Take SQLite's write lock at BEGIN: a write after a read fails if another process wrote in between."""
        if self.is_sqlite:
            event.listen(engine, "connect", _leave_transactions_to_sqlalchemy)
            event.listen(engine, "begin", _begin_immediate)

    @contextmanager
    def _schema_lock(self) -> Iterator[None]:
        if self.is_sqlite:
            with Path(f"{self.url.database}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.retry(self._use_write_ahead_log)
                yield
        else:
            with self.retry(self.engine.connect) as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_lock({SCHEMA_LOCK})")
                yield

    def _use_write_ahead_log(self) -> None:
        """Allow reads while another process writes; the mode is a property of the file and set once."""
        with create_engine(self.url, **self._engine_options).connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def _longest_wait(self, error: BaseException) -> float:
        """Return the seconds for which a repetition may succeed: 0 unless the error passes by itself."""
        if self.is_sqlite:
            is_transient = isinstance(error, OperationalError) and any(
                word in str(error.orig) for word in SQLITE_TRANSIENT_WORDS
            )
            return math.inf if is_transient else 0.0
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in READ_ONLY_STATES:
            return math.inf
        if isinstance(error, OperationalError | InterfaceError):
            return DENIED_SECONDS if "authentication failed" in str(error.orig) else math.inf
        return math.inf if isinstance(error, DBAPIError) and error.connection_invalidated else 0.0


def _leave_transactions_to_sqlalchemy(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _cause(error: BaseException) -> BaseException:
    """Return the error that Optuna wrapped, or the error itself."""
    is_wrapped = isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ is not None
    return error.__cause__ or error if is_wrapped else error


def _first_line(error: BaseException) -> str:
    message = str(getattr(error, "orig", None) or error).strip()
    return message.splitlines()[0] if message else type(error).__name__


def _unusable(url: str) -> InvalidInput:
    allowed = "postgresql+psycopg://user:password@host/database and sqlite:///file"
    return InvalidInput([Problem("study database", f"found {url}; allowed are {allowed}")])
