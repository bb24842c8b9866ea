"""An ablation as the planner sees it: an experiment of its own whose plan follows from that of its parent.

Both backends hand in the Ablation and the CTRExperiment that it names, each with its last status; what comes out goes
into `Facts`. Nothing of an ablation is frozen before its parent has succeeded: only then are the searches, whose values
and digests its plan takes over, and the number of seeds known.
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
    """What is known of an ablation beside what is known of any experiment."""

    plan: Plan | None
    """What is asked; None where the specification names something that is not there."""
    problems: tuple[Problem, ...] = ()
    waiting: str | None = None
    """For what of its parent it waits."""
    stuck: str | None = None
    """Why waiting is in vain until somebody acts."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing can have been begun, so that there is nothing in the store to look at."""
        return bool(self.problems or self.waiting or self.stuck)


def ablation_facts(ablation: Ablation, parent: Experiment) -> AblationFacts:
    """Pure; `parent` is the experiment that `spec.experimentRef` names, with its uid and its last status."""
    problems = tuple(check_ablation(ablation, parent))
    plan = None if problems else build_ablation_plan(ablation, AblationParent.from_experiment(parent))
    name = f"CTRExperiment {parent.metadata.namespace}/{parent.metadata.name}"
    status = parent.status or ExperimentStatus()
    if status.is_true(ConditionType.FAILED):
        return AblationFacts(plan, problems, stuck=f"{name} failed, and its ablation needs its searches and final runs")
    if not status.is_true(ConditionType.SUCCEEDED):
        return AblationFacts(plan, problems, waiting=f"waiting for {name} to succeed ({_standing(parent.status)})")
    return AblationFacts(plan, problems)


def as_experiment(ablation: Ablation, parent: Experiment) -> Experiment:
    """The ablation under its own name and status, with its parent's data, budget and storage, and its own runtime."""
    spec = ablation.spec
    overrides = spec.runtime.model_dump(exclude_none=True) if spec.runtime else {}
    given = {name: getattr(spec.runtime, name) for name in overrides}
    return parent.model_copy(
        update={
            "metadata": ablation.metadata,
            "status": ablation.status,
            "spec": parent.spec.model_copy(
                update={"runtime": parent.spec.runtime.model_copy(update=given), "suspend": spec.suspend}
            ),
        }
    )


def _standing(status: ExperimentStatus | None) -> str:
    """Its stage, and that it does not move if so."""
    if status is None:
        return "stage Pending"
    stalled = status.condition(ConditionType.STALLED)
    return f"stage {status.stage}" + (f", stalled: {stalled.reason}" if stalled and stalled.status == "True" else "")
