"""`lineage.json`: earlier plans of the same name that had opened a test set before this plan was frozen.

Whoever has seen test results may have let them guide the next plan. A report whose data set is among these is
exploratory, however well the plan itself was kept.
"""

from typing import Literal

from ctrlab_contract.base import ContractModel


class EarlierPlan(ContractModel):
    """One earlier experiment of the same namespace and name."""

    uid: str
    plan_digest: str
    dataset_digest: str
    openings: int
    """How often its final runs had opened test."""


class Lineage(ContractModel):
    """Written beside the plan, before anything runs."""

    schema_version: Literal[1] = 1
    earlier: tuple[EarlierPlan, ...]
    """Sorted by uid; only plans that had opened test."""

    def opened(self, dataset_digest: str) -> tuple[str, ...]:
        """Digests of the earlier plans that opened the test rows of this data set, sorted."""
        return tuple(sorted(plan.plan_digest for plan in self.earlier if plan.dataset_digest == dataset_digest))
