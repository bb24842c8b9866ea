"""Connections to the study database, PostgreSQL or SQLite: one transaction at a time, tried again while it can help.

Connections are closed after each use, so that a worker in training holds none. Time is the database's, because leases
compare the clocks of different machines.
"""

import fcntl
import time
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
from ctrlab_study.errors import StudyUnavailable
from ctrlab_study.slot_tables import metadata, trial_leases

T = TypeVar("T")

BUSY_SECONDS: Final = 60
"""How long SQLite waits for another process's transaction."""
POSTGRESQL: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""What libpq is told, seconds but for the last, which is in ms: a server whose node is gone sends no end of the
connection, and a query to it would wait for hours."""
SCHEMA_LOCK: Final = 0x6374726C6162
"""PostgreSQL advisory lock under which tables are made."""


class Database:
    """One study database, for one process and its threads."""

    def __init__(self, url: str, *, patience: float = 120.0) -> None:
        """`patience`: seconds for which transient errors are tried again; nothing is connected yet."""
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
        # A database made without an encoding (SQL_ASCII) would else hand text over as bytes. It is in the URL because
        # Optuna's migration makes an engine of its own and knows nothing else.
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
        """Of the table of slots."""
        engine = create_engine(self.url, **self._engine_options)
        self._take_the_write_lock_first(engine)
        return engine

    @cached_property
    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's tables, made if they are not there, behind one cache of finished trials for this process.

        Optuna makes a cache for each study object unless it is handed one, and reads every trial again to fill it.
        """
        return optuna.storages.get_storage(self.tables)

    @cached_property
    def tables(self) -> optuna.storages.RDBStorage:
        """Optuna's tables themselves."""
        self.create_schema()
        return self.retrying(lambda: self._optuna_storage(create=False))

    def create_schema(self) -> None:
        """Makes what tables are missing; any number of processes may do it at once."""
        if self.retrying(lambda: inspect(self.engine).has_table(trial_leases.name)):
            return
        with self._schema_lock():
            self.retrying(lambda: self._optuna_storage(create=True)).engine.dispose()
            # Last, because its presence says that everything is there.
            self.transact(lambda connection: metadata.create_all(connection))

    def transact(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in one transaction, done again from the start after a transient error."""

        def once() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return self.retrying(once)

    def retrying(self, work: Callable[[], T]) -> T:
        """The result of `work`, which must be harmless to repeat; StudyUnavailable when patience is over."""
        deadline, pause = time.monotonic() + self.patience, 0.05
        while True:
            try:
                return work()
            except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
                cause = _cause(error)
                if not self._is_transient(cause):
                    raise StudyUnavailable(f"study database {self.name}: {_first_line(cause)}") from error
                if time.monotonic() + pause > deadline:
                    raise StudyUnavailable(
                        f"study database {self.name}: no success in {self.patience:g} s: {_first_line(cause)}"
                    ) from error
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    def dispose(self) -> None:
        """Forgets the engines; both are made again when they are used again."""
        self.__dict__.pop("storage", None)
        for name in ("engine", "tables"):
            made = self.__dict__.pop(name, None)
            if made is not None:
                (made if name == "engine" else made.engine).dispose()

    @property
    def _engine_options(self) -> dict[str, Any]:
        arguments = {"timeout": BUSY_SECONDS} if self.is_sqlite else POSTGRESQL
        return {"poolclass": NullPool, "connect_args": arguments}

    def _optuna_storage(self, *, create: bool) -> optuna.storages.RDBStorage:
        url = self.url.render_as_string(hide_password=False)
        storage = optuna.storages.RDBStorage(url, engine_kwargs=self._engine_options, skip_table_creation=not create)
        self._take_the_write_lock_first(storage.engine)
        return storage

    def _take_the_write_lock_first(self, engine: Engine) -> None:
        """SQLite refuses a transaction that first reads and then writes when another wrote between; so none may."""
        if self.is_sqlite:
            event.listen(engine, "connect", _leave_transactions_to_sqlalchemy)
            event.listen(engine, "begin", _begin_immediate)

    @contextmanager
    def _schema_lock(self) -> Iterator[None]:
        if self.is_sqlite:
            with Path(f"{self.url.database}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.retrying(self._use_write_ahead_log)
                yield
        else:
            with self.retrying(self.engine.connect) as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_lock({SCHEMA_LOCK})")
                yield

    def _use_write_ahead_log(self) -> None:
        """Readers then do not wait for the writer; a property of the file, set once."""
        with create_engine(self.url, **self._engine_options).connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def _is_transient(self, error: BaseException) -> bool:
        if self.is_sqlite:
            return isinstance(error, OperationalError) and any(word in str(error.orig) for word in ("locked", "busy"))
        return isinstance(error, OperationalError | InterfaceError) or (
            isinstance(error, DBAPIError) and error.connection_invalidated
        )


def _leave_transactions_to_sqlalchemy(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _cause(error: BaseException) -> BaseException:
    """What is behind Optuna's wrapper."""
    wrapped = isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ is not None
    return error.__cause__ or error if wrapped else error


def _first_line(error: BaseException) -> str:
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _unusable(found: str) -> InvalidInput:
    allowed = "postgresql+psycopg://user:password@host/database and sqlite:///file"
    return InvalidInput([Problem("study database", f"found {found}; allowed are {allowed}")])
