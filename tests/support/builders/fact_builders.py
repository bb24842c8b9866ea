"""Facts about an experiment at some point of its run, as the planner gets them."""

from typing import Any

from builders.record_builders import make_prepared_data
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import EnsureJob, Facts, StudyFacts, decide

NOW = "2026-01-02T03:04:05Z"


def make_facts(experiment: Experiment, **observed: Any) -> Facts:
    """Return the facts about an experiment whose plan is frozen; it has no data, studies, runs or jobs."""
    return Facts(**{"experiment": experiment, "now": NOW, "frozen_plan": Plan.from_experiment(experiment), **observed})


def make_tuned_facts(experiment: Experiment, **observed: Any) -> Facts:
    """Return the facts about an experiment whose data are prepared and whose studies are all frozen."""
    studies = frozen_studies(Plan.from_experiment(experiment))
    return make_facts(experiment, **{"prepared": make_prepared_data(), "studies": studies, **observed})


def frozen_studies(plan: Plan) -> dict[str, StudyFacts]:
    """Return a frozen study of each variant, with all planned trials."""
    return {name: StudyFacts(done=plan.trial_budget(name), digest=f"sha256:{name}") for name in plan.names}


def final_runs(
    experiment: Experiment, count: int | None = None, without: frozenset[int] = frozenset()
) -> frozenset[FinalRun]:
    """Return the planned final runs, with `count` seeds and without those at some positions."""
    runs = Plan.from_experiment(experiment).final_runs(count)
    return frozenset(run for index, run in enumerate(runs) if index not in without)


def requested_jobs(facts: Facts) -> list[str]:
    """Return the names of the jobs that the planner requests."""
    return [action.request.name for action in decide(facts).actions if isinstance(action, EnsureJob)]
