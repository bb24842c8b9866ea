"""The protocol of an artifact store, and its errors.

Objects are written once and never changed, so that a digest stays valid.
"""

from pathlib import Path
from typing import Protocol

from ctrlab_api.errors import RequestFailed, ServiceUnavailable


class StoreError(RequestFailed):
    """The store cannot execute a request."""


class StoreUnavailable(StoreError, ServiceUnavailable):
    """The store is unreachable, overloaded or full, or rejects the credentials; the request may succeed later."""


class ObjectNotFound(StoreError):
    """No object has this key."""

    def __init__(self, uri: str, key: str) -> None:
        self.key = key
        super().__init__(f"{uri}: there is no object {key!r}")


class ObjectExists(StoreError):
    """An object with this key exists with other content, and objects are never changed."""

    def __init__(self, uri: str, key: str) -> None:
        self.key = key
        super().__init__(f"{uri}: the object {key!r} exists with other content, and objects are never changed")


class Store(Protocol):
    """A tree of objects; keys are relative paths with `/` between their parts."""

    @property
    def uri(self) -> str:
        """URI of the store's root, as for `open_store`."""

    def get(self, key: str) -> bytes:
        """Return the object's content; ObjectNotFound if there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Write a new object atomically.

        Writing the same content again succeeds; other content raises ObjectExists.
        """

    def replace(self, key: str, data: bytes) -> None:
        """Write an object whether it exists or not; only for pointers such as LATEST."""

    def exists(self, key: str) -> bool:
        """Return whether an object has this key."""

    def list(self, prefix: str) -> list[str]:
        """Return the sorted keys that start with `prefix`."""

    def put_folder(self, prefix: str, folder: Path) -> None:
        """Copy a folder's files below `prefix`, so that a reader sees all of them or none.

        Copying a folder with the same files and sizes again succeeds (prefixes are content addresses); a different
        folder raises ObjectExists.
        """

    def local_folder(self, prefix: str) -> Path:
        """Return a read-only local folder with the objects of one `put_folder`; ObjectNotFound if incomplete."""

    def below(self, prefix: str) -> "Store":
        """Return the same store, rooted at `prefix`."""


def validate_key(key: str, *, folder: bool = False) -> str:
    """Return the key, a folder's without its final `/`; ValueError if it could leave the store's root."""
    parts = (key.rstrip("/") if folder else key).split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key or "\\" in key:
        raise ValueError(f"not a key: {key!r}; keys are relative, with one / between their parts and no . or ..")
    return "/".join(parts)


def file_sizes(folder: Path) -> dict[str, int]:
    """Return the sizes in bytes of all files below a folder, by relative path with `/`, sorted."""
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(sizes.items()))
