"""`reanalysis.json`: a plan that differs from an earlier one in its analysis only, and uses its studies and runs."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class Reanalysis(ApiModel):
    """The earlier experiment that trained the studies and runs of this plan."""

    schema_version: Literal[1] = 1
    experiment: str
    """namespace/name/uid of the experiment that trained them."""
    plan_digest: str
    """Its plan digest."""
    changed: tuple[str, ...]
    """Fields of spec.analysis that differ, with their API names."""
    opened: bool
    """Whether a run had opened the test rows when this plan was frozen."""

    @property
    def statement(self) -> str:
        """One sentence for readers of the report."""
        fields = ", ".join(f"analysis.{name}" for name in self.changed)
        when = f"after the results of {self.experiment} were opened" if self.opened else "before any result was opened"
        return f"Analysis changed {when}: {fields}. Studies and runs are those of {self.experiment}; none was repeated."
