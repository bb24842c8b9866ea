"""`retries/<n>.json`: a request to run lost final runs again, under the same plan.

A report lists the retries, so that nobody can repeat runs unseen. A run with a result is never repeated.
"""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class LostRun(ApiModel):
    """A final run that had ended without a result."""

    variant: str
    seed: int


class RetryRecord(ApiModel):
    """One retry of an experiment that had failed or lost runs."""

    schema_version: Literal[1] = 1
    number: int
    """Number of the retry, from 1."""
    token: str
    """Value of the annotation that requested it."""
    at: str
    """RFC 3339, UTC."""
    cause: str
    """Reason and message of the failure, or names and reasons of the lost runs, as the status showed them."""
    runs: tuple[LostRun, ...] = ()
    """Every planned final run without a result."""
    report: str | None = None
    """Digest of the report that the retry replaces."""
