"""One invalid resource: the change of a valid one, and the location and message of the expected error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from builders import with_changes

from resource_examples.accepted_examples import ABLATION, EXPERIMENT

RejectedBy = Literal["schema", "rule", "policy", "operator", "cluster"]


@dataclass(frozen=True)
class RejectedExample:
    """One invalid resource."""

    changes: Mapping[str, Any]
    where: str
    """The path that `ctrlab validate` prints."""
    message: str
    """Part of the message."""
    rejected_by: RejectedBy = "schema"
    """Rejected on a cluster by the schema, a CEL rule, the admission policy for `spec.dataset.time`, or the operator,
    which runs all checks before it freezes a plan; `cluster`: by a CEL rule, and accepted on one machine."""
    kind: Literal["CTRExperiment", "Ablation"] = "CTRExperiment"
    """The valid resource that it is derived from."""

    @property
    def content(self) -> dict[str, Any]:
        """The invalid resource."""
        return with_changes(EXPERIMENT if self.kind == "CTRExperiment" else ABLATION, self.changes)
