"""A retry that the user requests: phases that were over are in progress again, under the same plan and on record.

Only what has no result runs again, so a retry starts no new family of comparisons.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.records import LostRun, RetryRecord
from ctrlab_api.resources.status import ExperimentStatus, Stage
from ctrlab_control.planner.actions import Action, DeleteJob, RecordRetry
from ctrlab_control.planner.check_results import Work
from ctrlab_control.planner.facts import Facts


def retry(facts: Facts) -> Work | None:
    """Begin a requested retry once the experiment has failed or is incomplete; before, the request waits."""
    token = facts.retry_request
    if token is None or not (facts.is_true(ConditionType.FAILED) or _is_incomplete(facts)):
        return None
    ended = tuple(DeleteJob(name) for name, job in sorted(facts.jobs.items()) if job.state in ("Complete", "Failed"))
    is_recorded = bool(facts.retries) and facts.retries[-1].token == token
    record: tuple[Action, ...] = () if is_recorded else (RecordRetry(_record(facts, token)),)
    return Work(_stage(facts), record + ended, "retrying what has no result", retry=token)


def is_outdated_report(facts: Facts) -> bool:
    """Return whether the newest report was made before the last retry."""
    return bool(facts.retries) and facts.report is not None and facts.retries[-1].report == facts.report.digest


def _is_incomplete(facts: Facts) -> bool:
    return facts.experiment.status is not None and facts.experiment.status.stage == "Incomplete"


def _record(facts: Facts, token: str) -> RetryRecord:
    status = facts.experiment.status or ExperimentStatus()
    name = ConditionType.FAILED if status.is_true(ConditionType.FAILED) else ConditionType.RUNS_LOST
    condition = status.condition(name)
    missing = [run for run in facts.planned_runs if run not in facts.runs] if facts.all_studies_frozen else []
    return RetryRecord(
        number=len(facts.retries) + 1,
        token=token,
        at=facts.now,
        cause=f"{condition.reason}: {condition.message}" if condition is not None else "unknown",
        runs=tuple(LostRun(variant=run.variant, seed=run.seed) for run in missing),
        report=facts.report.digest if facts.report is not None else None,
    )


def _stage(facts: Facts) -> Stage:
    if facts.prepared is None:
        return "Preparing"
    if not facts.all_studies_frozen:
        return "Tuning"
    return "Reporting" if facts.runs.issuperset(facts.planned_runs) else "Evaluating"
