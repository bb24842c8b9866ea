"""Which way a search goes."""

from typing import Literal

from ctrlab_contract.metrics import DIRECTION
from ctrlab_contract.plan import Plan

Direction = Literal["maximize", "minimize"]


def direction_of(plan: Plan) -> Direction:
    """Of the primary metric; the contract refuses a primary metric that has none."""
    return "minimize" if DIRECTION[plan.analysis.primary_metric] == "minimize" else "maximize"
