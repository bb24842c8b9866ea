"""Final runs that ended without a result: which, why, and what to do."""

from collections.abc import Mapping

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun
from ctrlab_control.planner.check_results import Incomplete
from ctrlab_control.planner.facts import Facts, JobFacts

MAX_NAMED_RUNS = 8
"""Runs that a message names; the other ones are counted."""
UNKNOWN_REASON = "the reason is no longer known; its log and its start log have details"


def incomplete(facts: Facts) -> Incomplete | None:
    """Return Incomplete if a planned run has no result although every phase has ended."""
    lost = {run: "" for run in facts.planned_runs if run not in facts.runs}
    if not lost:
        return None
    known = lost_runs(facts, active=False)
    message = lost_runs_message(facts, {run: known.get(run, UNKNOWN_REASON) for run in lost})
    return Incomplete(f"{message}; the report counts the others. Correct the cause and {retry_advice(facts)}")


def retry_advice(facts: Facts) -> str:
    """Return the command that runs lost runs again."""
    return f"run them again with: ctrlab retry {facts.experiment.metadata.name} (on a cluster with --cluster)"


def lost_runs(facts: Facts, active: bool) -> dict[FinalRun, str]:
    """Return the runs without a record whose index, or whose whole job, has failed, with the reason of each.

    `active`: whether active jobs continue; the lost runs of a job that is deleted now will be retried. Once the phase
    is over, every planned run without a record is lost, even if its job was deleted.
    """
    planned = facts.plan.run_groups()
    extension = facts.plan.run_groups(facts.seed_count)[len(planned) :]
    lost: dict[FinalRun, str] = {}
    if facts.is_true(ConditionType.EVALUATION_COMPLETE):
        lost = dict.fromkeys(facts.planned_runs, UNKNOWN_REASON)
    for name, groups in (("evaluate", planned), ("evaluate-extended", extension)):
        job = facts.jobs.get(name)
        if job is None or job.state == "Deleting" or (job.state == "Active" and not active):
            continue
        is_over = job.state != "Active"
        for index, group in enumerate(groups):
            if is_over or index in job.failed_indexes:
                lost |= dict.fromkeys(group, _reason(job, index))
    return {run: lost[run] for run in sorted(lost, key=_order) if run not in facts.runs}


def lost_runs_message(facts: Facts, lost: Mapping[FinalRun, str]) -> str:
    """Return a sentence with the number of lost runs, and name and reason of the first ones; empty if there are none.

    The reason of a run whose job was deleted meanwhile is that of the last status.
    """
    if not lost:
        return ""
    if all(reason == UNKNOWN_REASON for reason in lost.values()):
        previous = facts.experiment.status.condition(ConditionType.RUNS_LOST) if facts.experiment.status else None
        if previous is not None and previous.status == "True" and previous.message.startswith(_count(facts, lost)):
            return previous.message
    runs = sorted(lost, key=_order)
    named = [f"{run.variant} seed {run.seed} ({lost[run]})" for run in runs[:MAX_NAMED_RUNS]]
    if len(runs) > MAX_NAMED_RUNS:
        named.append(f"and {len(runs) - MAX_NAMED_RUNS} more")
    return f"{_count(facts, lost)}: {', '.join(named)}"


def _count(facts: Facts, lost: Mapping[FinalRun, str]) -> str:
    return f"{len(lost)} of {len(facts.planned_runs)} final runs were lost"


def _reason(job: JobFacts, index: int) -> str:
    return job.index_messages.get(index) or job.message or UNKNOWN_REASON


def _order(run: FinalRun) -> tuple[str, int]:
    return run.variant, run.seed
