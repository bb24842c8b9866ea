"""Phase tune: one job for the studies of each variant, on train and validation rows only.

Workers use the budget and freeze the study themselves; the planner observes, and never closes a study by counting its
trials. A study that needs no trials has no job.
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
    """Run the tune jobs until every study is frozen; if one study fails, the experiment fails.

    Without that study no comparison would be fair.
    """
    actions: list[Action] = [] if facts.all_studies_frozen else list(raise_trials(facts))
    for variant in facts.plan.names:
        study = facts.study(variant)
        if study.digest is not None:
            continue
        if not facts.plan.needs_tuning(variant):
            actions.append(FreezeUnsearched(variant))
            continue
        request = tune_request(facts.plan, variant, facts.experiment.spec.tuning.workers, facts.budget(variant))
        failure = _failure(facts, variant, study, facts.jobs.get(request.name))
        if failure is not None:
            return failure
        actions += ensure_job(facts, request)
    if facts.all_studies_frozen:
        return None
    open_studies = [name for name in facts.plan.names if facts.study(name).digest is None]
    tuned = [name for name in open_studies if facts.plan.needs_tuning(name)]
    message = f"tuning {', '.join(tuned)}" if tuned else f"freezing {', '.join(open_studies)} without trials"
    return Work("Tuning", tuple(actions), message)


def tune_request(plan: Plan, variant: str, workers: int, budget: int) -> JobRequest:
    """Return the tune job of a variant, with no more workers than trials (`budget`)."""
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
    """Return the variant's name as a DNS label, with some digits of a digest if two labels would be equal."""
    labels = {name: re.sub(r"[^a-z0-9]+", "-", name.lower()) for name in plan.names}
    label = labels[variant]
    if list(labels.values()).count(label) == 1:
        return label
    return f"{label}-{short_digest(digest(variant.encode()), 6)}"


def _failure(facts: Facts, variant: str, study: StudyFacts, job: JobFacts | None) -> Fail | None:
    tuning = facts.plan.tuning
    if study.failed > tuning.max_failed_trials:
        last = f"; the last one: {study.last_failure}" if study.last_failure else ""
        return Fail(
            "TooManyFailedTrials",
            f"{study.failed} trials of {variant} failed, more than tuning.maxFailedTrials "
            f"{tuning.max_failed_trials}{last}; create an experiment of another name with other parameters or another "
            "search space",
        )
    if job is None:
        return None
    if job.state in ("Complete", "Failed"):
        reason = job.message or "its workers ended without freezing the study"
        return Fail("TuningFailed", f"the study of {variant} failed: {reason}; correct the cause and {_advice(facts)}")
    if tuning.timeout is not None and job.active_seconds > duration_seconds(tuning.timeout):
        return Fail(
            "TuningTimeout",
            f"the study of {variant} took longer than tuning.timeout {tuning.timeout} "
            f"({study.done} of {facts.budget(variant)} trials done); {_advice(facts)}, or create an experiment of "
            "another name with a longer timeout or fewer trials",
        )
    return None


def _advice(facts: Facts) -> str:
    """Return the command that continues a study; a retry starts its time again."""
    return f"continue with: ctrlab retry {facts.experiment.metadata.name} (on a cluster with --cluster)"
