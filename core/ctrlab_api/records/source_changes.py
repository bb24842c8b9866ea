"""Comparison of the files that were prepared with the files that a source has now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.records.prepared_data import FileDigest, PreparedData
from ctrlab_api.schema_types import ApiModel

MAX_NAMED: Final = 5
"""Number of changed files that a message names."""


class SourceFiles(ApiModel):
    """The files of a data set's sources at one moment: main table, side tables and vectors, in order."""

    files: tuple[FileDigest, ...]

    @property
    def digest(self) -> str:
        """Digest over names and contents."""
        return digest([file.model_dump(mode="json") for file in self.files])


def describe_changes(prepared: PreparedData, now: Sequence[FileDigest]) -> str:
    """Return which files changed since they were prepared, with sizes and digests; the empty text if none did."""
    changes = list(_changes(prepared.sources, now))
    if not changes:
        return ""
    further = f"; and {len(changes) - MAX_NAMED} more files" if len(changes) > MAX_NAMED else ""
    rows = prepared.train.rows + prepared.valid.rows + prepared.test.rows
    return f"{'; '.join(changes[:MAX_NAMED])}{further} ({rows} rows were prepared)"


def _changes(before: Sequence[FileDigest], now: Sequence[FileDigest]) -> Iterator[str]:
    old, new = _by_name(before), _by_name(now)
    added = {name: file for name, file in new.items() if name not in old}
    for name, file in old.items():
        if name in new:
            if new[name].sha256 != file.sha256:
                yield f"{file.name} had {_content(file)} and has {_content(new[name])}"
            continue
        renamed = next((other for other in added if added[other].sha256 == file.sha256), None)
        if renamed is None:
            yield f"{file.name} ({_content(file)}) was removed"
        else:
            yield f"{file.name} was renamed to {added.pop(renamed).name}"
    for file in added.values():
        yield f"{file.name} ({_content(file)}) was added"
    if not added and old.keys() == new.keys() and list(old) != list(new):
        yield "the order of the files changed"


def _by_name(files: Sequence[FileDigest]) -> dict[tuple[str, int], FileDigest]:
    """Return the files by name and number of its occurrence, because tables can have files of one name."""
    occurrences: Counter[str] = Counter()
    result: dict[tuple[str, int], FileDigest] = {}
    for file in files:
        result[file.name, occurrences[file.name]] = file
        occurrences[file.name] += 1
    return result


def _content(file: FileDigest) -> str:
    return f"{file.bytes:,} bytes, SHA-256 {short_digest(file.sha256)}"
