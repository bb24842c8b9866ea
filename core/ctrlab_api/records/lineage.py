"""`lineage.json`: earlier plans that had opened a test set before this plan was frozen.

Whoever has seen test results may have let them guide the next plan, and a new name does not change what was seen. A
report whose test rows are among these is exploratory, however well the plan itself was kept.
"""

from typing import Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_api.schema_types import ApiModel


class EarlierPlan(ApiModel):
    """One earlier experiment of the same name, or of another name with a model of this plan."""

    uid: str
    experiment: str | None = None
    """Its name; absent where it is this plan's own."""
    plan_digest: str
    dataset_digest: str
    test_rows: str | None = None
    """Which rows of which files it opened, whatever features and encodings were made of them."""
    openings: int
    """How often its final runs had opened test."""
    shared_models: tuple[str, ...] = ()
    """Models of this plan that it trained as well, by their name here."""


class Lineage(ApiModel):
    """Written beside the plan, before anything runs."""

    schema_version: Literal[1] = 1
    earlier: tuple[EarlierPlan, ...]
    """Sorted by name and uid; only plans that had opened test."""

    def plans_that_opened(self, prepared: PreparedData) -> tuple[EarlierPlan, ...]:
        """The earlier plans that opened these test rows."""
        rows = test_rows_digest(prepared)
        return tuple(
            plan
            for plan in self.earlier
            if plan.dataset_digest == prepared.digest or (plan.test_rows is not None and plan.test_rows == rows)
        )


def test_rows_digest(prepared: PreparedData) -> str | None:
    """Identity of the test rows by source files and row numbers; None for data that come from no file."""
    if not prepared.sources:
        return None
    files = sorted(file.sha256 for file in prepared.sources)
    return digest({"files": files, "rows": prepared.test.row_ids_digest})
