"""An ablation whose experiment is not there: it may be created later, or it was deleted.

Without the experiment nothing is known of data, budget and storage, so no facts can be gathered; what can be said
follows from the ablation's own last status.
"""

from collections.abc import Mapping

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.status import ExperimentStatus, Stage
from ctrlab_control.planner.actions import DeleteJob
from ctrlab_control.planner.check_results import Ended, Pause, Stall, Wait
from ctrlab_control.planner.conditions import conditions_of
from ctrlab_control.planner.deciding import Decision
from ctrlab_control.planner.facts import JobFacts
from ctrlab_control.planner.status_updates import MILESTONES


def decide_orphaned(ablation: Ablation, jobs: Mapping[str, JobFacts], now: str) -> Decision:
    """What to do now. Pure; what had ended stays as it ended, and what was under way cannot go on."""
    before, generation = ablation.status or ExperimentStatus(), ablation.metadata.generation
    verdict = _verdict(ablation, before)
    actions = tuple(DeleteJob(name) for name, job in sorted(jobs.items()) if job.state == "Active")
    if isinstance(verdict, Ended):
        return Decision(actions, before.model_copy(update={"observed_generation": generation}))
    milestones = {name: before.is_true(name) for name in MILESTONES}
    conditions = conditions_of(ablation.status, generation, now, verdict, milestones)
    changes = {"observed_generation": generation, "stage": _stage(before, verdict), "conditions": conditions}
    return Decision(actions, before.model_copy(update=changes))


def _verdict(ablation: Ablation, before: ExperimentStatus) -> Ended | Stall | Pause | Wait:
    name = f"CTRExperiment {ablation.metadata.namespace}/{ablation.spec.experiment_ref.name}"
    if before.is_true(ConditionType.SUCCEEDED, ConditionType.FAILED):
        return Ended()
    if before.plan_digest is not None:
        return Stall(
            "ExperimentDeleted",
            f"{name} was deleted before this ablation ended, and with it what says where data and results lie; "
            "delete this ablation and create it again with the experiment",
        )
    return Pause() if ablation.spec.suspend else Wait(f"waiting for {name} to be created")


def _stage(before: ExperimentStatus, verdict: Stall | Pause | Wait) -> Stage:
    if isinstance(verdict, Stall):
        return before.stage
    return "Suspended" if isinstance(verdict, Pause) else "Pending"
