"""Computes a published report again from the raw predictions and holds it against what was published.

Three questions in order: are the published files those of the manifest; are the inputs those that the report was made
from; does the same computation give the same bytes - or, where another version computes, the same numbers?
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ctrlab_api.canonical_json import digest
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, ReportFile
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.rendering import render_report
from ctrlab_store import ObjectNotFound, Store

MOST_SHOWN = 20
"""Differences that the answer names; it counts all of them."""

_NOT_RESULTS = frozenset({"digest", "versions", "methods"})
"""Parts of a summary that name who computed it."""


@dataclass(frozen=True)
class ReportCheck:
    """What the second computation gave."""

    files: int
    """Published files, all held against the manifest."""
    numbers: int
    """Numbers in the published summary."""
    other_versions: dict[str, tuple[str, str]]
    """Published and present version of whatever computed it otherwise; empty where bytes were compared."""
    differences: tuple[str, ...]
    """One line for each changed file, changed input and differing value."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def __str__(self) -> str:
        if self.differences:
            more = len(self.differences) - MOST_SHOWN
            shown = [*self.differences[:MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])]
            return "\n".join(["different", *shown])
        if not self.other_versions:
            return f"equal: all {self.files} files byte by byte, {self.numbers} numbers among them"
        changed = ", ".join(f"{name} {then} then, {now} now" for name, (then, now) in self.other_versions.items())
        return f"equal: all {self.numbers} numbers; the pages were made by other versions ({changed})"


def verify_report(folder: Store, key: ExperimentKey) -> ReportCheck:
    """Check the newest report of an experiment; InvalidData where there is none or its inputs cannot be read."""
    try:
        prefix = folder.get(ObjectKey.LATEST_REPORT).decode()
        manifest = json.loads(folder.get(f"{prefix}{ReportFile.MANIFEST}"))
    except ObjectNotFound as error:
        raise InvalidData.at(key.prefix, f"has no published report to verify ({error}); make it first") from error
    published = {name: folder.get(prefix + name) for name in manifest["files"]}
    changed = [
        f"{name}: was changed after publishing"
        for name, data in published.items()
        if digest(data) != _sha(manifest, name)
    ]
    inputs = read_report_inputs(folder, key)
    differences = [*changed, *_inputs(manifest["inputs"], inputs.input_digests)]
    summary = analyse_report(inputs)
    old, new = json.loads(published[ReportFile.SUMMARY]), json.loads(summary.to_json())
    versions = {name: (old["versions"].get(name, "absent"), now) for name, now in new["versions"].items()}
    other = {name: pair for name, pair in versions.items() if pair[0] != pair[1]}
    results = {name: value for name, value in old.items() if name not in _NOT_RESULTS}
    differences += _values(results, new, "", texts=not other)
    if not other:
        again = render_report(summary, inputs)
        differences += [f"{name}: other bytes" for name, data in published.items() if again.get(name) != data]
    return ReportCheck(len(published), _count(old), other, tuple(differences))


def _sha(manifest: dict[str, Any], name: str) -> str:
    return str(manifest["files"][name]["sha256"])


def _inputs(published: dict[str, str], present: dict[str, str]) -> Iterator[str]:
    for name in sorted(published.keys() | present.keys()):
        then, now = published.get(name, "absent"), present.get(name, "absent")
        if then != now:
            yield f"input {name}: {then} then, {now} now"


def _values(old: Any, new: Any, path: str, *, texts: bool) -> Iterator[str]:
    """Places where what was published is not what is computed now; what only the new one has is no difference.

    Sentences of another version may be worded otherwise, so `texts` says whether they count.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            yield from _values(value, new.get(name), f"{path}.{name}" if path else name, texts=texts)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (value, other) in enumerate(zip(old, new, strict=True)):
            yield from _values(value, other, f"{path}[{place}]", texts=texts)
    elif old != new and (texts or not isinstance(old, str) or not isinstance(new, str)):
        yield f"summary.json {path}: {old!r} published, {new!r} computed"


def _count(content: Any) -> int:
    if isinstance(content, dict | list):
        return sum(_count(value) for value in (content.values() if isinstance(content, dict) else content))
    return isinstance(content, int | float) and not isinstance(content, bool)
