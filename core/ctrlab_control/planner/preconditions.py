"""What is asked before any phase: has it ended, can the specification be used, is the plan unchanged, may it run?"""

from ctrlab_api.names import ConditionType
from ctrlab_control.planner.check_results import Ended, Pause, Stall, Wait
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.trial_increase import comparable_fields, is_trial_increase, too_late


def ended(facts: Facts) -> Ended | None:
    """Succeeded and Failed are for good, even when jobs and records are gone later."""
    return Ended() if facts.holds(ConditionType.SUCCEEDED) or facts.holds(ConditionType.FAILED) else None


def invalid(facts: Facts) -> Stall | None:
    """A specification that the schema accepts may still name what no architecture knows."""
    problems = facts.problems if facts.frozen is None else ()
    if not problems:
        return None
    return Stall("InvalidSpec", "; ".join(str(problem) for problem in problems) + "; correct the specification")


def changed(facts: Facts) -> Stall | None:
    """Nothing that the result depends on may change once the plan is frozen, except seeds.max, and trials upwards."""
    if facts.frozen is None:
        return None
    if is_trial_increase(facts.asked, facts.frozen):
        late = too_late(facts)
        if late is None:
            return None
        return Stall(
            "PlanChanged",
            f"spec.tuning.trials was raised to {facts.asked.tuning.trials} after the search of {late} was frozen with "
            f"{facts.budget(late)} trials; undo the change, or create an experiment of another name",
        )
    asked, frozen = comparable_fields(facts.asked), comparable_fields(facts.frozen)
    if asked == frozen:
        return None
    fields = ", ".join(f"spec.{_spec_name(name)}" for name in sorted(asked) if asked[name] != frozen[name])
    return Stall(
        "PlanChanged",
        f"{fields} changed after the plan was frozen; undo the change, or create an experiment of another name",
    )


def suspended(facts: Facts) -> Pause | None:
    """`spec.suspend`."""
    return Pause() if facts.experiment.spec.suspend else None


def waiting(facts: Facts) -> Wait | Stall | None:
    """An ablation that has frozen its plan needs nothing more of its parent's status."""
    if facts.ablation is None or facts.frozen is not None:
        return None
    if facts.ablation.stuck is not None:
        return Stall("ParentFailed", f"{facts.ablation.stuck}; run the experiment again, or delete this ablation")
    return Wait(facts.ablation.waiting) if facts.ablation.waiting else None


def _spec_name(field: str) -> str:
    return {"variants": "models", "parent": "experimentRef or the experiment that it names"}.get(field, field)
