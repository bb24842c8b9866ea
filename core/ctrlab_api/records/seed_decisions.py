"""`decisions/seeds.json`: the one decision to raise the number of seeds, from validation spread alone."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class SeedDecision(ApiModel):
    """Stein's two-stage rule applied once; equal for all variants."""

    schema_version: Literal[1] = 1
    pilot: int
    """Seeds per variant that the decision was made from."""
    count: int
    """Seeds per variant from now on."""
    half_width: float
    metric: str
    pilot_sd: dict[str, float]
    """Standard deviation of the paired validation differences in the pilot, by comparison `a - b`."""
    reason: str
    """One sentence: why this count."""
