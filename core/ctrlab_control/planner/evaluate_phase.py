"""Phase evaluate: the final runs, one index for each (variant, seed) or batch of seeds, once every search is frozen.

A run whose retries are used up is lost, and the others go on. The report is still made when what is left can be
compared: each pair that the plan compares shares at least two finished seeds, the fewest that have a standard
deviation. Lost runs are listed in the report. Diverged runs have a record and count as finished.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun, RunGroup
from ctrlab_api.resources.status import Stage
from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts

MINIMUM_SHARED_SEEDS = 2


def evaluate(facts: Facts) -> Work | Fail | None:
    """The runs as planned; over once the one decision about more seeds is made, too."""
    if facts.decision is not None:
        return None
    return final_runs(facts, "evaluate", "Evaluating", facts.plan.run_groups(), ("evaluate",))


def final_runs(
    facts: Facts, name: str, stage: Stage, groups: tuple[RunGroup, ...], arguments: tuple[str, ...]
) -> Work | Fail | None:
    """One job of final runs: over when each has a record or is lost, failed when too few are left to compare."""
    runs = [run for group in groups for run in group]
    missing = [run for run in runs if run not in facts.runs]
    if not missing or facts.holds(ConditionType.EVALUATION_COMPLETE):
        return None
    job = facts.jobs.get(name)
    if job is not None and job.state in ("Complete", "Failed"):
        alone = None if job.hopeless else too_few(facts)
        if not job.hopeless and alone is None:
            return None
        why = f": {job.message}" if job.message else ""
        return Fail(
            "EvaluationFailed", f"{len(missing)} of {len(runs)} final runs were lost{why}; {alone or 'stopped'}"
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


def too_few(facts: Facts) -> str | None:
    """Why what is finished cannot be compared, or None if it can."""
    plan = facts.plan
    finished = {name: {run.seed for run in facts.runs if run.variant == name} for name in plan.names}
    for a, b in plan.comparisons() or ((plan.reference, plan.reference),):
        shared = len(finished[a] & finished[b])
        if shared < MINIMUM_SHARED_SEEDS:
            who = f"{a} and {b} share" if a != b else f"{a} has"
            return (
                f"{who} {shared} finished seed{'' if shared == 1 else 's'}, at least {MINIMUM_SHARED_SEEDS} are needed"
            )
    return None


def lost_runs(facts: Facts, active: bool) -> frozenset[FinalRun]:
    """Runs without a record whose index, or whose whole job, has failed.

    `active`: whether active jobs go on; the lost runs of one that is deleted now will be tried again.
    """
    planned = facts.plan.run_groups()
    extension = facts.plan.run_groups(facts.seed_count)[len(planned) :]
    lost: set[FinalRun] = set()
    for name, groups in (("evaluate", planned), ("evaluate-extended", extension)):
        job = facts.jobs.get(name)
        if job is None or job.state == "Deleting" or (job.state == "Active" and not active):
            continue
        over = job.state != "Active"
        lost |= {run for index, group in enumerate(groups) if over or index in job.failed_indexes for run in group}
    return frozenset(lost - facts.runs)
