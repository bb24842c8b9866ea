"""The workspace: one folder with the store, the study database, logs and locks.

Two locks guard an experiment. The engine's own lock tells a second engine at once that the first is alive. The other
one is inherited by every worker: after an engine was killed, its successor waits until the last orphan is gone, so
that two generations of workers never run at the same time.
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
"""Where `ctrlab` works unless `--workspace` is given."""

LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace; `open` makes sure that it can be written."""

    root: Path

    @classmethod
    def open(cls, folder: Path) -> "Workspace":
        """The workspace in this folder, made if need be; WorkspaceError if nothing can be written there."""
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
    def existing(cls, folder: Path) -> "Workspace":
        """The workspace in this folder; WorkspaceError if there is none."""
        root = Path(os.path.abspath(folder))
        if not root.is_dir():
            raise WorkspaceError.at(root, "no such workspace; `ctrlab run` makes one, --workspace names another")
        return cls(root)

    @property
    def store(self) -> FileStore:
        """The artifact store."""
        return FileStore.at(self.root / "store")

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the study database."""
        return f"sqlite:///{self.root / 'study.db'}"

    def logs(self, namespace: str, name: str) -> Path:
        """Folder of the workers' output."""
        return self.root / "logs" / f"{namespace}.{name}"

    @property
    def experiments(self) -> Path:
        """Folder of the resources with their status, one file each, as `kubectl get -o json` would print them."""
        return self.root / "experiments"

    @contextmanager
    def locked(self, namespace: str, name: str, on_wait: Callable[[], None]) -> Iterator[int]:
        """Hold both locks of an experiment; yields the descriptor that workers inherit.

        Raises WorkspaceError if another engine is alive; calls `on_wait` once if orphaned workers have to end first.
        """
        own = self._opened(f"{namespace}.{name}.engine.lock")
        try:
            if not _try_lock(own):
                raise WorkspaceError.at(
                    self.root, f"another ctrlab is working on {namespace}/{name} here; wait for it or stop it"
                )
            inherited = self._opened(f"{namespace}.{name}.lock")
            try:
                if not _try_lock(inherited):
                    on_wait()
                    while not _try_lock(inherited):
                        time.sleep(LOCK_POLL_SECONDS)
                yield inherited
            finally:
                os.close(inherited)
        finally:
            os.close(own)

    def is_running(self, namespace: str, name: str) -> bool:
        """Whether an engine works on the experiment now."""
        path = self.root / f"{namespace}.{name}.engine.lock"
        if not path.exists():
            return False
        descriptor = self._opened(path.name)
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _opened(self, name: str) -> int:
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
            "workspace", f"the file system has no locks ({error.strerror}); choose a local folder with --workspace"
        ) from None
    return True
