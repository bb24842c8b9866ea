"""`runs/<variant>/<seed>/starts/<n>.json` and `<n>-end.json`: the starts of a final run, and how starts were cut off.

A run that ends by itself leaves a record. A run that was evicted, timed out or lost its machine leaves only its start,
without which nobody could tell that the run that counts was not the first try.
"""

from typing import Literal

from ctrlab_api.records.runs import Anomaly
from ctrlab_api.schema_types import ApiModel

StartFailure = Literal["terminated", "out-of-memory", "unavailable", "failed"]


class RunStart(ApiModel):
    """The start of a process that makes a final run, logged before training begins."""

    schema_version: Literal[1] = 1
    number: int
    """Number of the start, from 1."""
    at: str
    """Time of the start: RFC 3339, UTC."""
    by: str
    """Name of the worker."""


class RunEnd(ApiModel):
    """The end of a start without a record, written where the process can still report it."""

    schema_version: Literal[1] = 1
    number: int
    at: str
    how: StartFailure
    """terminated: by a signal, as sent by an eviction, a time limit or a manual stop. unavailable: because the store,
    the network or the disk of the node could not be used."""
    message: str


def interrupted_start(start: RunStart, end: RunEnd | None) -> Anomaly:
    """Return the anomaly of a start without a record; `end` is None where the process could not write any more."""
    prefix = f"start {start.number} ({start.at}, {start.by})"
    if end is None:
        detail = f"{prefix} ended without a message: killed, out of memory, or its machine was lost"
        return Anomaly(kind="lost", detail=detail)
    return Anomaly(kind=end.how, detail=f"{prefix} {end.message}")
