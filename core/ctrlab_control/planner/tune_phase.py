"""Phase tune: one job for each model's search, on train and validation rows alone.

Workers spend the budget and freeze the search themselves; the planner watches and never counts trials into being done.
What needs no trials has no job.
"""

import re

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.plan import Plan
from ctrlab_api.schema_types import duration_seconds
from ctrlab_control.planner.actions import Action, FreezeUnsearched, JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts, JobFacts, StudyFacts
from ctrlab_control.planner.trial_increase import raise_trials


def tune(facts: Facts) -> Work | Fail | None:
    """Over when every search is frozen; one search that cannot end well ends the experiment, for nothing could be
    compared fairly without it."""
    actions: list[Action] = [] if facts.all_frozen else list(raise_trials(facts))
    for variant in facts.plan.names:
        search = facts.search(variant)
        if search.digest is not None:
            continue
        if not facts.plan.needs_tuning(variant):
            actions.append(FreezeUnsearched(variant))
            continue
        request = tune_request(facts.plan, variant, facts.experiment.spec.tuning.workers, facts.budget(variant))
        failure = _failure(facts, variant, search, facts.jobs.get(request.name))
        if failure is not None:
            return failure
        actions += ensure_job(facts, request)
    if facts.all_frozen:
        return None
    waiting = [name for name in facts.plan.names if facts.search(name).digest is None]
    return Work("Tuning", tuple(actions), f"searching for {', '.join(waiting)}")


def tune_request(plan: Plan, variant: str, workers: int, budget: int) -> JobRequest:
    """The job of one search; no more workers than trials (`budget`)."""
    size = min(workers, budget)
    return JobRequest(
        name=f"tune-{_label(plan, variant)}",
        phase="tune",
        program="trainer",
        arguments=("tune", "--variant", variant),
        completions=size,
        parallelism=size,
    )


def _label(plan: Plan, variant: str) -> str:
    """The variant's name as a DNS label; where two would be equal, some digits of a digest tell them apart."""
    labels = {name: re.sub(r"[^a-z0-9]+", "-", name.lower()) for name in plan.names}
    label = labels[variant]
    if list(labels.values()).count(label) == 1:
        return label
    return f"{label}-{short_digest(digest(variant.encode()), 6)}"


def _failure(facts: Facts, variant: str, search: StudyFacts, job: JobFacts | None) -> Fail | None:
    tuning = facts.plan.tuning
    if search.failed > tuning.max_failed_trials:
        last = f"; the last one: {search.last_failure}" if search.last_failure else ""
        return Fail(
            "TooManyFailedTrials",
            f"{search.failed} trials of {variant} failed, more than tuning.maxFailedTrials "
            f"{tuning.max_failed_trials}{last}; correct the model's parameters or search space",
        )
    if job is None:
        return None
    if job.state in ("Complete", "Failed"):
        why = job.message or "its workers ended without freezing the search"
        return Fail("TuningFailed", f"the search of {variant} failed: {why}")
    if tuning.timeout is not None and job.active_seconds > duration_seconds(tuning.timeout):
        return Fail(
            "TuningTimeout",
            f"the search of {variant} took longer than tuning.timeout {tuning.timeout} "
            f"({search.done} of {facts.budget(variant)} trials done); raise it, or lower tuning.trials",
        )
    return None
