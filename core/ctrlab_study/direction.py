"""Which way a search goes."""

from typing import Literal

from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_api.plan import Plan

Direction = Literal["maximize", "minimize"]


def direction_of(plan: Plan) -> Direction:
    """Of the primary metric; the contract refuses a primary metric that has none."""
    return "minimize" if METRIC_DIRECTIONS[plan.analysis.primary_metric] == "minimize" else "maximize"
