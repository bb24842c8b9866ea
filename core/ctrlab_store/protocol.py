"""What every artifact store offers, and the errors it raises.

Objects are written once and never changed, so that whatever a digest was taken of stays what it was.
"""

from pathlib import Path
from typing import Protocol

from ctrlab_api.errors import ServiceUnavailable


class StoreError(ServiceUnavailable):
    """The store cannot do what was asked: unreachable, full, or not writable."""


class ObjectNotFound(StoreError):
    """There is no object with that key."""

    def __init__(self, uri: str, key: str) -> None:
        self.key = key
        super().__init__(f"{uri}: there is no object {key!r}")


class ObjectExists(StoreError):
    """An object with that key and other content is there already, and objects are never changed."""

    def __init__(self, uri: str, key: str) -> None:
        self.key = key
        super().__init__(f"{uri}: the object {key!r} exists with other content, and objects are never changed")


class Store(Protocol):
    """A tree of objects; keys are relative, with `/` between their parts."""

    @property
    def uri(self) -> str:
        """Where the store's root is, as `open_store` takes it."""

    def get(self, key: str) -> bytes:
        """The object's content; ObjectNotFound if there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Writes a new object, whole or not at all.

        The same content again is fine; other content raises ObjectExists.
        """

    def replace(self, key: str, data: bytes) -> None:
        """Writes an object whether it exists or not; for pointers such as LATEST alone."""

    def exists(self, key: str) -> bool:
        """Whether there is an object with that key."""

    def list(self, prefix: str) -> list[str]:
        """The sorted keys that start with `prefix`."""

    def put_folder(self, prefix: str, folder: Path) -> None:
        """Copies a folder's files below `prefix`, so that a reader sees all of them or none.

        A folder with the same files and sizes again is fine (prefixes are content addresses); another one raises
        ObjectExists.
        """

    def local_folder(self, prefix: str) -> Path:
        """A local folder with the objects of one `put_folder`, for reading alone; ObjectNotFound if incomplete."""

    def below(self, prefix: str) -> "Store":
        """The same store, rooted at `prefix`."""


def validate_key(key: str, *, folder: bool = False) -> str:
    """A key as it is, or ValueError if it could leave the store's root; a folder's key may end in `/`."""
    parts = (key.rstrip("/") if folder else key).split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key or "\\" in key:
        raise ValueError(f"not a key: {key!r}; keys are relative, with one / between their parts and no . or ..")
    return "/".join(parts)


def file_sizes(folder: Path) -> dict[str, int]:
    """Sizes in bytes of all files below a folder, by relative path with `/`, sorted."""
    found = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(found.items()))
