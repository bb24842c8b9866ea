"""Paths and `file://` URIs of sources as paths on this machine.

In a URI, `%` followed by two hexadecimal digits stands for one byte, and every other character for itself. A path is
read as it is written. Where both readings of a URI name an existing file, the URI is rejected.
"""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import Variable


def source_path(path: str, field: str) -> Path:
    """Return the absolute path of a source that is written as a path; `~` is the home folder.

    A relative path is below the folder of the experiment's file. InvalidData where that folder is unknown, as on a
    cluster, or where there is no such home folder.
    """
    try:
        expanded = Path(path).expanduser() if path.startswith("~") else Path(path)
    except RuntimeError as error:
        raise InvalidData.at(
            field, f"{path} cannot be resolved: {error}; write ./{path} for a file of this name"
        ) from None
    if expanded.is_absolute():
        return expanded
    folder = os.environ.get(Variable.SOURCE_FOLDER)
    if folder is None:
        raise InvalidData.at(
            field,
            f"{path} is a path relative to the experiment's file, which this process does not have; on a cluster copy "
            "the file to s3:// or pvc://, on one machine write an absolute path",
        )
    return Path(folder) / expanded


def file_uri_path(uri: str, field: str) -> Path:
    """Return the path of a `file://` URI; InvalidData if it is not absolute or names two existing files."""
    path = uri.removeprefix("file://").removeprefix("localhost")
    if not path.startswith("/"):
        relative = uri.removeprefix("file://")
        raise InvalidData.at(
            field,
            f"{uri} is not an absolute path; write file:///folder/file with three slashes, or without file:// the path "
            f"{relative} relative to the experiment's file",
        )
    return existing_path(path, uri, field)


def percent_decoded(path: str) -> str:
    """Return a path with every %XX replaced by the byte that it stands for."""
    return os.fsdecode(unquote_to_bytes(path.encode("utf-8", "surrogateescape")))


def existing_path(path: str, uri: str, field: str) -> Path:
    """Return the decoded path of a URI; InvalidData if only, or also, its undecoded spelling exists."""
    decoded = percent_decoded(path)
    if decoded == path or not os.path.lexists(path):
        return Path(decoded)
    plain = ", or leave file:// out and write the path as it is" if uri.startswith("file:") else ""
    if os.path.lexists(decoded):
        raise InvalidData.at(
            field,
            f"{uri} can mean two existing files: {decoded}, because % and two digits stand for one character, and "
            f"{path}; rename one of them{plain}",
        )
    raise InvalidData.at(
        field,
        f"{uri} does not exist: % and two digits stand for one character, so it means {decoded}; for the existing file "
        f"{path} write % as %25{plain}",
    )


def files_below(folder: Path, field: str) -> list[Path]:
    """Return the files below a folder in the order of their paths, without names that begin with `.` or `_`.

    InvalidData for a link to an absent file or to a folder, whose rows would be missing silently.
    """
    below = sorted(folder.rglob("*"))
    visible = [path for path in below if not any(name[0] in "._" for name in path.relative_to(folder).parts)]
    for path in visible:
        if path.is_symlink() and not path.is_file():
            what = "a folder, and links to folders are not followed" if path.is_dir() else "a file that does not exist"
            raise InvalidData.at(
                field,
                f"{path} is a link to {what} ({os.readlink(path)}); replace the link by its target, or remove it",
            )
    return [path for path in visible if path.is_file()]


def absent_source(path: Path, uri: str, field: str) -> InvalidData:
    """Return the error of a source that is neither a file nor a folder."""
    if path.is_symlink():
        return InvalidData.at(field, f"{uri} is a link to {os.readlink(path)}, which does not exist: fetch the data")
    if path.exists():
        return InvalidData.at(field, f"{uri} is neither a file nor a folder but a device or pipe: write a file first")
    return InvalidData.at(field, f"{uri} does not exist: there is no file or folder {path}")
