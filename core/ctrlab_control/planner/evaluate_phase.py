"""Phase evaluate: the final runs, one index for each (variant, seed) or batch of seeds, once every study is frozen.

A run that used up its retries is lost, and the others continue. The report is still made if the finished runs can be
compared: each pair that the plan compares must share at least two finished seeds, the minimum for a standard deviation.
The report lists lost runs, and the experiment does not succeed without them. Diverged runs have a record and count as
finished.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import RunGroup
from ctrlab_api.resources.status import Stage
from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.lost_runs import retry_advice

MIN_SHARED_SEEDS = 2


def evaluate(facts: Facts) -> Work | Fail | None:
    """Run the planned final runs; without a retry, this phase is also over once the number of seeds is decided."""
    if facts.decision is not None and not facts.retries:
        return None
    return final_runs(facts, "evaluate", "Evaluating", facts.plan.run_groups(), ("evaluate",))


def final_runs(
    facts: Facts, name: str, stage: Stage, groups: tuple[RunGroup, ...], arguments: tuple[str, ...]
) -> Work | Fail | None:
    """Run one job of final runs until each has a record or is lost; fail if too few runs are left to compare."""
    runs = [run for group in groups for run in group]
    missing = [run for run in runs if run not in facts.runs]
    if not missing or facts.is_true(ConditionType.EVALUATION_COMPLETE):
        return None
    job = facts.jobs.get(name)
    if job is not None and job.state in ("Complete", "Failed"):
        too_few = None if job.non_retriable else too_few_runs(facts)
        if not job.non_retriable and too_few is None:
            return None
        reason = f": {job.message}" if job.message else ""
        return Fail(
            "EvaluationFailed",
            f"{len(missing)} of {len(runs)} final runs were lost{reason}; {too_few or 'stopped'}; "
            f"correct the cause and {retry_advice(facts)}",
        )
    size = min(len(groups), facts.experiment.spec.tuning.workers * len(facts.plan.variants))
    request = JobRequest(
        name=name,
        phase="evaluate",
        program="trainer",
        arguments=arguments,
        completions=len(groups),
        parallelism=size,
        groups=groups,
    )
    return Work(stage, ensure_job(facts, request), f"{len(runs) - len(missing)} of {len(runs)} final runs done")


def too_few_runs(facts: Facts) -> str | None:
    """Return why the finished runs cannot be compared; None if they can."""
    plan = facts.plan
    finished = {name: {run.seed for run in facts.runs if run.variant == name} for name in plan.names}
    for a, b in plan.comparisons() or ((plan.reference, plan.reference),):
        shared = len(finished[a] & finished[b])
        if shared < MIN_SHARED_SEEDS:
            subject = f"{a} and {b} share" if a != b else f"{a} has"
            return (
                f"{subject} {shared} finished seed{'' if shared == 1 else 's'}, at least {MIN_SHARED_SEEDS} are needed"
            )
    return None
