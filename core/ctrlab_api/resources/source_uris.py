r"""URIs and paths of source files: what may be written, and the format that a name implies.

A path (a text without `://`) is for one machine: it is read relative to the folder of the experiment's file, `~` is the
home folder, and every character stands for itself. In a URI `file://` and `pvc://`, `%` followed by two hexadecimal
digits stands for one byte; every other character, `#` and `?` included, stands for itself. A key in `s3://` stands for
itself, and `https://` follows the rules of the web.
"""

import re
from typing import Final, Literal, get_args

Format = Literal["csv", "tsv", "parquet", "jsonl", "libsvm", "sequences", "recbole"]

FORMAT_OF_EXTENSION: Final[dict[str, Format]] = {
    "csv": "csv",
    "tsv": "tsv",
    "parquet": "parquet",
    "pq": "parquet",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "svm": "libsvm",
    "libsvm": "libsvm",
}
"""Extensions that stand for one format only."""

COMPRESSIONS: Final = ("gz", "gzip", "zst", "zstd", "bz2", "xz")
"""Extensions that may follow that of the format."""

_EXTENSION: Final = rf"[.]({'|'.join(FORMAT_OF_EXTENSION)})([.]({'|'.join(COMPRESSIONS)}))?"
EXTENSION_OF_FILE: Final = rf"{_EXTENSION}/?$"
"""Regular expression (RE2 and Python, case-insensitive) for a name that implies its format."""
EXTENSION_IN_URL: Final = rf"^https://[^?#]+{_EXTENSION}[?#]"
"""The same for a URL with a query."""

SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def format_of(uri: str) -> Format | None:
    """Return the format that the extension of a URI or path implies; None if it implies none."""
    match = re.search(EXTENSION_IN_URL, uri, re.I) or re.search(EXTENSION_OF_FILE, uri, re.I)
    return None if match is None else FORMAT_OF_EXTENSION[match[1].lower()]


def is_path(uri: str) -> bool:
    """Return whether this is a path on one machine, not a URI."""
    return "://" not in uri


def check_uri(uri: str, schemes: tuple[str, ...]) -> str:
    """Return the URI or path; ValueError with the allowed forms if it is neither."""
    if "\0" in uri:
        raise ValueError("a path cannot contain the character NUL")
    if WINDOWS_PATH.match(uri):
        raise ValueError(
            f"{uri} is a path of Windows; write a path relative to the experiment's file with /, such as "
            "data/clicks.csv, or the path that Linux sees, such as /mnt/c/data/clicks.csv"
        )
    if not uri.strip():
        raise ValueError("expected a URI, or a path such as data/clicks.csv, not an empty text")
    if is_path(uri):
        for scheme in schemes:
            if uri.startswith(f"{scheme}:"):
                raise ValueError(f"write {scheme}:// with two slashes (file:///folder/file has three), not {uri}")
        return uri
    match = SCHEME.match(uri)
    if match is not None and match[1] in schemes and len(uri) > match.end():
        return uri
    forms = ", ".join(f"{scheme}://" for scheme in schemes)
    raise ValueError(f"{uri} is neither a URI with one of {forms} nor a path such as data/clicks.csv")


def format_required(uri: str) -> str:
    """Return the message for a source whose name implies no format."""
    extensions = ", ".join(f".{extension}" for extension in FORMAT_OF_EXTENSION)
    return (
        f"format is required for {uri}: one of {', '.join(get_args(Format))}; only the extensions {extensions} imply it"
    )


def cluster_uri_rule(schemes: tuple[str, ...]) -> tuple[str, str]:
    """Return the CEL rule for a cluster, where only URIs with these schemes can be read."""
    forms = [f"{scheme}://" for scheme in schemes]
    return (
        f"self.uri.matches('^({'|'.join(schemes)})://.+')",
        f"uri must begin with {', '.join(forms[:-1])} or {forms[-1]}; a path is for `ctrlab run` on one machine: copy "
        "the file to s3:// or pvc://",
    )


HAS_FORMAT_RULE: Final = f"(has(self.format) || self.uri.matches('(?i){EXTENSION_OF_FILE}|{EXTENSION_IN_URL}'))"
"""CEL expression: the format is written or implied by the extension."""

_CSV_EXTENSION: Final = rf"[.]csv([.]({'|'.join(COMPRESSIONS)}))?"
CSV_RULE: Final = (
    "(has(self.format) ? self.format == 'csv' : "
    f"self.uri.matches('(?i){_CSV_EXTENSION}/?$|^https://[^?#]+{_CSV_EXTENSION}[?#]'))"
)
"""CEL expression: the format is csv, written or implied by the extension."""
