"""The pure planner: what is known of an experiment goes in, what to do next and its status come out.

`decide` knows neither Kubernetes nor processes; both backends gather `Facts`, carry out the actions in order and write
the status. Nothing is remembered between two calls except the status itself.
"""

from ctrlab_operator.planner.ablation import AblationFacts, ablation_facts, as_experiment
from ctrlab_operator.planner.actions import (
    Action,
    DeleteJob,
    EnsureJob,
    FreezeUnsearched,
    JobRequest,
    RaiseTrials,
    ScaleJob,
    WritePlan,
)
from ctrlab_operator.planner.alone import decide_alone
from ctrlab_operator.planner.facts import Facts, JobFacts, SearchFacts
from ctrlab_operator.planner.plan import Decision, decide

__all__ = [
    "AblationFacts",
    "Action",
    "Decision",
    "DeleteJob",
    "EnsureJob",
    "Facts",
    "FreezeUnsearched",
    "JobFacts",
    "JobRequest",
    "RaiseTrials",
    "ScaleJob",
    "SearchFacts",
    "WritePlan",
    "ablation_facts",
    "as_experiment",
    "decide",
    "decide_alone",
]
