"""Checks before any phase: has it ended, is the specification valid, is the plan unchanged, may it run?"""

from ctrlab_api.names import ConditionType
from ctrlab_control.planner.check_results import Ended, Pause, Stall, Wait
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.trial_increase import comparable_fields, frozen_study_without_increase, is_trial_increase


def ended(facts: Facts) -> Ended | None:
    """Return Ended for Succeeded and Failed, even when jobs and records are deleted later; a retry lifts Failed."""
    if facts.is_true(ConditionType.SUCCEEDED) or (facts.is_true(ConditionType.FAILED) and not facts.retry_request):
        return Ended()
    return None


def invalid(facts: Facts) -> Stall | None:
    """Stall before the plan is frozen if the specification has problems that its schema cannot detect."""
    problems = facts.problems if facts.frozen_plan is None else ()
    if not problems:
        return None
    return Stall("InvalidSpec", "; ".join(str(problem) for problem in problems) + "; correct the specification")


def changed(facts: Facts) -> Stall | None:
    """Stall if the frozen plan changed, except for seeds.max and for more trials before the studies are frozen."""
    if facts.frozen_plan is None:
        return None
    if is_trial_increase(facts.requested_plan, facts.frozen_plan):
        frozen_study = frozen_study_without_increase(facts)
        if frozen_study is None:
            return None
        return Stall(
            "PlanChanged",
            f"spec.tuning.trials was raised to {facts.requested_plan.tuning.trials} after the study of {frozen_study} "
            f"was frozen with {facts.budget(frozen_study)} trials; "
            "undo the change, or create an experiment of another name",
        )
    requested, frozen = comparable_fields(facts.requested_plan), comparable_fields(facts.frozen_plan)
    if requested == frozen:
        return None
    fields = ", ".join(f"spec.{_spec_name(name)}" for name in sorted(requested) if requested[name] != frozen[name])
    return Stall(
        "PlanChanged",
        f"{fields} changed after the plan was frozen; undo the change, or create an experiment of another name",
    )


def suspended(facts: Facts) -> Pause | None:
    """Pause if `spec.suspend` is set."""
    return Pause() if facts.experiment.spec.suspend else None


def waiting(facts: Facts) -> Wait | Stall | None:
    """Wait for the parent of an ablation, until the plan is frozen; after that the parent's status is irrelevant."""
    if facts.ablation is None or facts.frozen_plan is not None:
        return None
    if facts.ablation.blocked is not None:
        return Stall("ParentFailed", f"{facts.ablation.blocked}; run the experiment again, or delete this ablation")
    return Wait(facts.ablation.waiting) if facts.ablation.waiting else None


def _spec_name(field: str) -> str:
    return {"variants": "models", "parent": "experimentRef or the experiment that it names"}.get(field, field)
