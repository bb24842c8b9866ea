"""The artifact store in a folder, safe for processes that write at the same time and for a crash at any moment.

Every file is written under a temporary name in the same folder, flushed to disk, then renamed in one step.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctrlab_store.atomic_files import TEMPORARY_PREFIX, flush_folder, flush_to_disk, read_umask, staged_file
from ctrlab_store.protocol import ObjectExists, ObjectNotFound, StoreUnavailable, file_sizes, validate_key


@dataclass(frozen=True)
class FileStore:
    """Objects as files below `root`."""

    root: Path

    @classmethod
    def at(cls, folder: str | Path) -> "FileStore":
        """Open the store in a folder, which is created on the first write."""
        return cls(Path(os.path.abspath(folder)))

    @property
    def uri(self) -> str:
        """`file://` followed by the folder."""
        return self.root.as_uri()

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self._as_store_errors(key):
            try:
                return self._path(key).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise ObjectNotFound(self.uri, key) from None

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`; a hard link gives the file its name, and fails if the name exists."""
        path = self._path(key)
        with self._as_store_errors(key), _durably_written(path, data) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                if not path.is_file() or path.read_bytes() != data:
                    raise ObjectExists(self.uri, key) from None
            except PermissionError:  # Linux: the file system has no hard links
                if path.exists() and path.read_bytes() != data:
                    raise ObjectExists(self.uri, key) from None
                os.replace(temporary, path)

    def replace(self, key: str, data: bytes) -> None:
        """See `Store.replace`."""
        path = self._path(key)
        with self._as_store_errors(key), _durably_written(path, data) as temporary:
            os.replace(temporary, path)

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        with self._as_store_errors(key):
            return self._path(key).is_file()

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        start = self.root / prefix.rpartition("/")[0]
        with self._as_store_errors(prefix):
            keys = (os.path.relpath(path, self.root).replace(os.sep, "/") for path in _finished_files(start))
            return sorted(key for key in keys if key.startswith(prefix))

    def put_folder(self, prefix: str, folder: Path) -> None:
        """See `Store.put_folder`; one rename gives the folder its name."""
        target = self.root / validate_key(prefix, folder=True)
        with self._as_store_errors(prefix):
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                staged = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=target.parent))
                try:
                    _copy_folder(folder, staged)
                    os.rename(staged, target)
                    flush_folder(target.parent)
                    return
                except OSError:
                    # Another writer was first, or the disk is full; the comparison below decides.
                    if not target.exists():
                        raise
                finally:
                    shutil.rmtree(staged, ignore_errors=True)
            if file_sizes(target) != file_sizes(folder):
                raise ObjectExists(self.uri, prefix)

    def local_folder(self, prefix: str) -> Path:
        """See `Store.local_folder`: the folder itself."""
        folder = self.root / validate_key(prefix, folder=True)
        with self._as_store_errors(prefix):
            if not folder.is_dir():
                raise ObjectNotFound(self.uri, prefix)
        return folder

    def below(self, prefix: str) -> "FileStore":
        """See `Store.below`."""
        return FileStore(self.root / validate_key(prefix, folder=True))

    def _path(self, key: str) -> Path:
        return self.root / validate_key(key)

    @contextmanager
    def _as_store_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(f"{self.uri}: {key!r}: {error.strerror or error}") from error


@contextmanager
def _durably_written(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a flushed temporary file next to `path`, removed at the end if it still has its temporary name."""
    with staged_file(path) as (file, temporary):
        file.write(data)
        flush_to_disk(file)
        yield temporary
        flush_folder(path.parent)


def _copy_folder(source: Path, target: Path) -> None:
    target.chmod(0o777 & ~read_umask())
    for name in file_sizes(source):
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, destination)
        with destination.open("rb+") as file:
            os.fsync(file.fileno())


def _finished_files(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder, onerror=_raise_unless_missing):
        folders[:] = [name for name in folders if not name.startswith(TEMPORARY_PREFIX)]
        yield from (os.path.join(parent, name) for name in files if not name.startswith(TEMPORARY_PREFIX))


def _raise_unless_missing(error: OSError) -> None:
    """Raise errors of a listing, which would otherwise look like a folder without files."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
