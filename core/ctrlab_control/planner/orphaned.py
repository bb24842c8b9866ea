"""Decide about an ablation whose experiment does not exist yet, or was deleted.

The experiment has the addresses of data, results and the study database, so without it no facts can be gathered. The
decision follows from the ablation's last status.
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
    """Return the next actions and the status. Pure; an ended ablation keeps its status, a started one cannot continue.

    `now` is RFC 3339.
    """
    previous, generation = ablation.status or ExperimentStatus(), ablation.metadata.generation
    result = _check(ablation, previous)
    actions = tuple(DeleteJob(name) for name, job in sorted(jobs.items()) if job.state == "Active")
    if isinstance(result, Ended):
        return Decision(actions, previous.model_copy(update={"observed_generation": generation}))
    milestones = {name: previous.is_true(name) for name in MILESTONES}
    conditions = conditions_of(ablation.status, generation, now, result, milestones)
    changes = {"observed_generation": generation, "stage": _stage(previous, result), "conditions": conditions}
    return Decision(actions, previous.model_copy(update=changes))


def _check(ablation: Ablation, previous: ExperimentStatus) -> Ended | Stall | Pause | Wait:
    name = f"CTRExperiment {ablation.metadata.namespace}/{ablation.spec.experiment_ref.name}"
    if previous.is_true(ConditionType.SUCCEEDED, ConditionType.FAILED):
        return Ended()
    if previous.plan_digest is not None:
        return Stall(
            "ExperimentDeleted",
            f"{name} was deleted before this ablation ended, and with it the addresses of data and results; "
            "delete this ablation and create it again with the experiment",
        )
    return Pause() if ablation.spec.suspend else Wait(f"waiting for {name} to be created")


def _stage(previous: ExperimentStatus, result: Stall | Pause | Wait) -> Stage:
    if isinstance(result, Stall):
        return previous.stage
    return "Suspended" if isinstance(result, Pause) else "Pending"
