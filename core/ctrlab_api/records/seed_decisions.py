"""`decisions/seeds.json`: the decision about the one seed extension, from the spread of validation values only."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class SeedDecision(ApiModel):
    """The result of Stein's two-stage rule, applied once; equal for all variants."""

    schema_version: Literal[1] = 1
    pilot: int
    """Number of seeds per variant in the pilot, from which the decision is computed."""
    count: int
    """Number of seeds per variant after the decision."""
    half_width: float
    metric: str
    pilot_sd: dict[str, float]
    """Standard deviation of the paired validation differences in the pilot, by comparison `a - b`."""
    reason: str
    """One sentence that justifies the count."""
