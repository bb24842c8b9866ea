"""The methods used in a summary, with library, version, assumptions and source, and the versions of all code."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ctrlab_api.canonical_json import digest
from ctrlab_api.records import MethodRecord, ReportSummary
from ctrlab_report.statistics.method_registry import METHODS

_LIBRARIES = ("ctrlab", "jinja2", "numpy", "opda", "optuna", "pyarrow", "pydantic", "scipy", "statsmodels")

_METHOD_FIELDS = (
    "method",
    "posterior_method",
    "curve_method",
    "importance_method",
    "optimism_method",
    "verdict_method",
)


CODE_VERSION = "ctrlab_report"
"""Key in `versions` of the digest of this package's files: a report by changed code has a different address."""


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of all code that computes a report from its inputs."""
    return {library: version(library) for library in _LIBRARIES} | {CODE_VERSION: _code_digest()}


def _code_digest() -> str:
    root = Path(__file__).parents[1]
    files = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".j2", ".css"))
    return digest({path.relative_to(root).as_posix(): digest(path.read_bytes()) for path in files})


def methods_used(summary: ReportSummary) -> dict[str, MethodRecord]:
    """Return the methods whose id occurs in the summary, sorted by id."""
    return {
        name: MethodRecord(
            title=METHODS[name].title,
            package=METHODS[name].package,
            version=METHODS[name].version,
            assumes=METHODS[name].assumes,
            source=METHODS[name].source,
        )
        for name in sorted(set(_ids(summary)) & METHODS.keys())
    }


def _ids(content: Any) -> Iterator[str]:
    if isinstance(content, BaseModel):
        for field in type(content).model_fields:
            value = getattr(content, field)
            if field in _METHOD_FIELDS:
                if value is not None:
                    yield value
            else:
                yield from _ids(value)
    elif isinstance(content, dict):
        for value in content.values():
            yield from _ids(value)
    elif isinstance(content, tuple):
        for value in content:
            yield from _ids(value)
