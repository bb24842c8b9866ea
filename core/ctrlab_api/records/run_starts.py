"""`runs/<variant>/<seed>/starts/<n>.json` and `<n>-end.json`: a final run began, and what cut it off.

A run that ends by itself leaves a record. One that was evicted, ran into a time limit or lost its machine leaves only
its start, and nothing could tell the reader that the run which counts was not the first try.
"""

from typing import Literal

from ctrlab_api.records.runs import Anomaly
from ctrlab_api.schema_types import ApiModel

StartFailure = Literal["terminated", "out-of-memory", "failed"]


class RunStart(ApiModel):
    """Written before the training."""

    schema_version: Literal[1] = 1
    number: int
    """From 1."""
    at: str
    """RFC 3339, UTC."""
    by: str
    """The worker."""


class RunEnd(ApiModel):
    """Written where a start ends without a record and can still say so."""

    schema_version: Literal[1] = 1
    number: int
    at: str
    how: StartFailure
    """terminated: by a signal, such as an eviction, a time limit or a stop by hand sends."""
    message: str


def interrupted_start(start: RunStart, end: RunEnd | None) -> Anomaly:
    """What a reader is told of a start without a record; `end` is None where nothing could be written any more."""
    began = f"start {start.number} ({start.at}, {start.by})"
    if end is None:
        detail = f"{began} ended without a word: killed, out of memory, or its machine was lost"
        return Anomaly(kind="lost", detail=detail)
    return Anomaly(kind=end.how, detail=f"{began} {end.message}")
