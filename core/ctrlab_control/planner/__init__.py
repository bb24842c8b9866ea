"""The pure planner: facts about an experiment in, the next actions and its status out.

`decide` knows neither Kubernetes nor processes. Both backends gather `Facts`, execute the actions in order and write
the status. Nothing is remembered between two calls except the status itself.
"""

from ctrlab_control.planner.ablation_facts import AblationFacts, ablation_facts, as_experiment
from ctrlab_control.planner.actions import (
    Action,
    DeleteJob,
    EnsureJob,
    FreezeUnsearched,
    JobAction,
    JobRequest,
    Phase,
    Program,
    RaiseTrials,
    RecordRetry,
    ScaleJob,
    SharedAction,
    WritePlan,
)
from ctrlab_control.planner.deciding import Decision, decide
from ctrlab_control.planner.facts import Facts, JobFacts, Outage, StudyFacts
from ctrlab_control.planner.orphaned import decide_orphaned

__all__ = [
    "AblationFacts",
    "Action",
    "Decision",
    "DeleteJob",
    "EnsureJob",
    "Facts",
    "FreezeUnsearched",
    "JobAction",
    "JobFacts",
    "JobRequest",
    "Outage",
    "Phase",
    "Program",
    "RaiseTrials",
    "RecordRetry",
    "ScaleJob",
    "SharedAction",
    "StudyFacts",
    "WritePlan",
    "ablation_facts",
    "as_experiment",
    "decide",
    "decide_orphaned",
]
