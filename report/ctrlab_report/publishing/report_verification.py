"""Computes a published report again from the raw predictions and compares the two.

Three checks in this order: are the published files those of the manifest; are the inputs those that the report was made
from; does the same computation give the same bytes or, if the versions differ, the same numbers?
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

MAX_SHOWN_DIFFERENCES = 20
"""Maximum number of differences that the result lists; it counts the others."""

_PROVENANCE_FIELDS = frozenset({"digest", "versions", "methods"})
"""Fields of a summary that describe the program that computed it, and no result."""

_SENTENCE_FIELDS = frozenset({"findings"})
"""Fields of sentences about results, of which another version may have others; their numbers are in other fields."""


@dataclass(frozen=True)
class ReportCheck:
    """The result of a verification; as text, what to print."""

    files: int
    """Number of published files, all compared with the manifest."""
    numbers: int
    """Number of numbers in the published summary."""
    other_versions: dict[str, tuple[str, str]]
    """Published and present version of each package that differs; empty if bytes were compared."""
    differences: tuple[str, ...]
    """One line for each changed file, changed input and differing value."""

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return not self.differences

    def __str__(self) -> str:
        if self.differences:
            more = len(self.differences) - MAX_SHOWN_DIFFERENCES
            shown = [*self.differences[:MAX_SHOWN_DIFFERENCES], *([f"and {more} more"] if more > 0 else [])]
            return "\n".join(["different", *shown])
        if not self.other_versions:
            return f"equal: all {self.files} files byte by byte, {self.numbers} numbers among them"
        changed = ", ".join(f"{name} {old}, now {new}" for name, (old, new) in self.other_versions.items())
        return f"equal: all {self.numbers} numbers; the report was made by other versions ({changed})"


def verify_report(folder: Store, key: ExperimentKey) -> ReportCheck:
    """Verify the newest report of an experiment; InvalidData if there is none or its inputs cannot be read."""
    try:
        prefix = folder.get(ObjectKey.LATEST_REPORT).decode()
        manifest = json.loads(folder.get(f"{prefix}{ReportFile.MANIFEST}"))
    except ObjectNotFound as error:
        raise InvalidData.at(key.prefix, f"has no published report to verify ({error}); make it first") from error
    published = {name: folder.get(prefix + name) for name in manifest["files"]}
    changed_files = [
        f"{name}: was changed after publishing"
        for name, content in published.items()
        if digest(content) != manifest["files"][name]["sha256"]
    ]
    inputs = read_report_inputs(folder, key)
    summary = analyse_report(inputs)
    old, new = json.loads(published[ReportFile.SUMMARY]), json.loads(summary.to_json())
    versions = {name: (old["versions"].get(name, "absent"), version) for name, version in new["versions"].items()}
    other_versions = {name: pair for name, pair in versions.items() if pair[0] != pair[1]}
    ignored = _PROVENANCE_FIELDS | (_SENTENCE_FIELDS if other_versions else frozenset())
    results = {name: value for name, value in old.items() if name not in ignored}
    differences = [
        *changed_files,
        *_differing_inputs(manifest["inputs"], inputs.input_digests),
        *_differing_values(results, new, "", compare_texts=not other_versions),
    ]
    if not other_versions:
        rendered = render_report(summary, inputs)
        differences += [f"{name}: other bytes" for name, content in published.items() if rendered.get(name) != content]
    return ReportCheck(len(published), _count_numbers(old), other_versions, tuple(differences))


def _differing_inputs(published: dict[str, str], present: dict[str, str]) -> Iterator[str]:
    for name in sorted(published.keys() | present.keys()):
        old, new = published.get(name, "absent"), present.get(name, "absent")
        if old != new:
            yield f"input {name}: {old} when published, {new} now"


def _differing_values(old: Any, new: Any, path: str, *, compare_texts: bool) -> Iterator[str]:
    """Yield a line for each published value that differs from the computed one; additional new values are ignored.

    Another version may phrase a sentence differently; `compare_texts` is false in that case.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            yield from _differing_values(
                value, new.get(name), f"{path}.{name}" if path else name, compare_texts=compare_texts
            )
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (value, computed) in enumerate(zip(old, new, strict=True)):
            yield from _differing_values(value, computed, f"{path}[{index}]", compare_texts=compare_texts)
    elif old != new and (compare_texts or not isinstance(old, str) or not isinstance(new, str)):
        yield f"summary.json {path}: {old!r} published, {new!r} computed"


def _count_numbers(content: Any) -> int:
    if isinstance(content, dict | list):
        return sum(_count_numbers(value) for value in (content.values() if isinstance(content, dict) else content))
    return isinstance(content, int | float) and not isinstance(content, bool)
