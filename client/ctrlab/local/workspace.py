"""The workspace: one folder with the artifact store, the study database, logs and locks.

Two locks protect an experiment. The engine lock tells a second engine at once that the first is alive. The worker lock
is inherited by every worker: after an engine was killed, the next one waits until the last orphaned worker has ended,
so that workers of two engines never run at the same time.
"""

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctrlab.local.errors import WorkspaceError
from ctrlab_store import FileStore

DEFAULT_FOLDER = Path("ctrlab-workspace")
"""The workspace unless `--workspace` names another folder."""

LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace; `open` checks that it is writable."""

    root: Path

    @classmethod
    def open(cls, folder: Path) -> "Workspace":
        """Return the workspace in this folder, creating it if needed; WorkspaceError if it is not writable."""
        root = Path(os.path.abspath(folder))
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=root, prefix=".probe-") as probe:
                probe.write(b"\0" * 4096)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise WorkspaceError.at(
                root, f"cannot be written: {error.strerror or error}; choose another folder with --workspace"
            ) from None
        return cls(root)

    @classmethod
    def open_existing(cls, folder: Path) -> "Workspace":
        """Return the workspace in this folder; WorkspaceError if the folder does not exist."""
        root = Path(os.path.abspath(folder))
        if not root.is_dir():
            raise WorkspaceError.at(
                root, "no such workspace; `ctrlab run` creates one, --workspace names another folder"
            )
        return cls(root)

    @property
    def store(self) -> FileStore:
        """The artifact store."""
        return FileStore.at(self.root / "store")

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the study database, with the special characters of the folder's name escaped."""
        from sqlalchemy import URL  # it takes a third of a second to import, and many commands do not need it

        return URL.create("sqlite", database=str(self.root / "study.db")).render_as_string(hide_password=False)

    def logs(self, namespace: str, name: str) -> Path:
        """Return the folder of an experiment's worker logs."""
        return self.root / "logs" / f"{namespace}.{name}"

    @property
    def experiments(self) -> Path:
        """Folder of the resources with their status, one file each, in the format of `kubectl get -o json`."""
        return self.root / "experiments"

    @contextmanager
    def locked(self, namespace: str, name: str, on_wait: Callable[[], None]) -> Iterator[int]:
        """Hold both locks of an experiment; yield the descriptor of the worker lock.

        Raises WorkspaceError if another engine is alive; calls `on_wait` once if orphaned workers have to end first.
        """
        engine_lock = self._open_lock(f"{namespace}.{name}.engine.lock")
        try:
            if not _try_lock(engine_lock):
                raise WorkspaceError.at(
                    self.root, f"another ctrlab process is running {namespace}/{name}; wait for it or stop it"
                )
            worker_lock = self._open_lock(f"{namespace}.{name}.lock")
            try:
                if not _try_lock(worker_lock):
                    on_wait()
                    while not _try_lock(worker_lock):
                        time.sleep(LOCK_POLL_SECONDS)
                yield worker_lock
            finally:
                os.close(worker_lock)
        finally:
            os.close(engine_lock)

    def is_running(self, namespace: str, name: str) -> bool:
        """Whether an engine is running the experiment."""
        path = self.root / f"{namespace}.{name}.engine.lock"
        if not path.exists():
            return False
        descriptor = self._open_lock(path.name)
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _open_lock(self, name: str) -> int:
        try:
            return os.open(self.root / name, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise WorkspaceError.at(self.root / name, f"cannot be opened: {error.strerror}") from None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return False
        raise WorkspaceError.at(
            "workspace",
            f"the file system does not support locks ({error.strerror}); choose a local folder with --workspace",
        ) from None
    return True
