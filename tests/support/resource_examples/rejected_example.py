"""One bad resource: what is changed in a good one, where the refusal points, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from builders import with_changes

from resource_examples.accepted_examples import ABLATION, EXPERIMENT

By = Literal["schema", "rule", "operator"]


@dataclass(frozen=True)
class RejectedExample:
    """One bad resource."""

    changes: Mapping[str, Any]
    where: str
    """The path that `ctrlab validate` shows."""
    says: str
    """Part of its message."""
    by: By = "schema"
    """Who refuses it on a cluster: the schema, a CEL rule, or the operator, which runs the models' checks before it
    freezes a plan (what a schema cannot say)."""
    kind: Literal["CTRExperiment", "Ablation"] = "CTRExperiment"
    """Which good resource it is made from."""

    @property
    def content(self) -> dict[str, Any]:
        """The bad resource."""
        return with_changes(EXPERIMENT if self.kind == "CTRExperiment" else ABLATION, self.changes)
