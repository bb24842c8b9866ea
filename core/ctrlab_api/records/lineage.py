"""`lineage.json`: earlier plans that had opened test rows before this plan was frozen.

Whoever has seen test results may have let them guide the next plan, and a new name does not change that. A report whose
test rows were opened by one of these plans is exploratory, however strictly the plan itself was followed.
"""

from typing import Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_api.schema_types import ApiModel


class EarlierPlan(ApiModel):
    """One earlier experiment of the same name, or of another name with a model of this plan."""

    uid: str
    experiment: str | None = None
    """Name of the experiment; absent where it is the name of this plan's experiment."""
    plan_digest: str
    dataset_digest: str
    test_rows: str | None = None
    """Digest of the test rows by source files and row numbers, independent of features and encoding."""
    openings: int
    """Number of times that its final runs had opened the test rows."""
    shared_models: tuple[str, ...] = ()
    """Models of this plan that it had trained as well, by their names in this plan."""


class Lineage(ApiModel):
    """The earlier openings of the same test rows, written beside the plan before anything runs."""

    schema_version: Literal[1] = 1
    earlier: tuple[EarlierPlan, ...]
    """Plans that had opened test rows, sorted by name and uid."""

    def plans_that_opened(self, prepared: PreparedData) -> tuple[EarlierPlan, ...]:
        """Return the earlier plans that opened the test rows of this data set."""
        rows = test_rows_digest(prepared)
        return tuple(
            plan
            for plan in self.earlier
            if plan.dataset_digest == prepared.digest or (plan.test_rows is not None and plan.test_rows == rows)
        )


def test_rows_digest(prepared: PreparedData) -> str | None:
    """Return the identity of the test rows by source files and row numbers; None for data that come from no file."""
    if not prepared.sources:
        return None
    files = sorted(file.sha256 for file in prepared.sources)
    return digest({"files": files, "rows": prepared.test.row_ids_digest})
