"""An ablation as the planner sees it: an experiment whose plan follows from that of its parent experiment.

Both backends pass the Ablation and the CTRExperiment that it names, each with its last status; the result is part of
`Facts`. Nothing of an ablation is frozen before its parent has succeeded, because its plan contains the digests of the
parent's studies, their best values, and the parent's number of seeds.
"""

from dataclasses import dataclass

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.checks.ablation_checks import check_ablation
from ctrlab_api.errors import Problem
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus


@dataclass(frozen=True)
class AblationFacts:
    """Facts about an ablation in addition to those about any experiment."""

    plan: Plan | None
    """The requested plan; None if the specification names something that does not exist."""
    problems: tuple[Problem, ...] = ()
    waiting: str | None = None
    """The event that the ablation waits for, as a sentence; None if its parent has succeeded."""
    blocked: str | None = None
    """Why waiting is useless until the user acts."""

    @property
    def has_no_artifacts(self) -> bool:
        """Whether nothing can have started, so the store contains nothing of the ablation."""
        return bool(self.problems or self.waiting or self.blocked)


def ablation_facts(ablation: Ablation, parent: Experiment) -> AblationFacts:
    """Derive the facts from both resources; `parent` is the one in `spec.experimentRef`, with uid and last status."""
    problems = tuple(check_ablation(ablation, parent))
    plan = None if problems else build_ablation_plan(ablation, AblationParent.from_experiment(parent))
    name = f"CTRExperiment {parent.metadata.namespace}/{parent.metadata.name}"
    status = parent.status or ExperimentStatus()
    if status.is_true(ConditionType.FAILED):
        message = f"{name} failed, and its ablation needs its studies and final runs"
        return AblationFacts(plan, problems, blocked=message)
    if not status.is_true(ConditionType.SUCCEEDED):
        return AblationFacts(plan, problems, waiting=f"waiting for {name} to succeed ({_progress(parent.status)})")
    return AblationFacts(plan, problems)


def as_experiment(ablation: Ablation, parent: Experiment) -> Experiment:
    """Return an experiment with the ablation's name, status and runtime, and the parent's data, budget and storage."""
    spec = ablation.spec
    names = spec.runtime.model_dump(exclude_none=True) if spec.runtime else {}
    overrides = {name: getattr(spec.runtime, name) for name in names}
    return parent.model_copy(
        update={
            "metadata": ablation.metadata,
            "status": ablation.status,
            "spec": parent.spec.model_copy(
                update={"runtime": parent.spec.runtime.model_copy(update=overrides), "suspend": spec.suspend}
            ),
        }
    )


def _progress(status: ExperimentStatus | None) -> str:
    """Return the stage, and the reason if the experiment is stalled."""
    if status is None:
        return "stage Pending"
    stalled = status.condition(ConditionType.STALLED)
    return f"stage {status.stage}" + (f", stalled: {stalled.reason}" if stalled and stalled.status == "True" else "")
