"""Raising `tuning.trials` while searches go on: the one change of a frozen plan that makes no other question of it.

It adds trials on validation data to every model alike. Once a search is frozen it would give the models different
budgets, and is refused.
"""

from typing import Any

from ctrlab_api.plan import Plan
from ctrlab_control.planner.actions import Action, RaiseTrials
from ctrlab_control.planner.facts import Facts


def comparable_fields(plan: Plan) -> dict[str, Any]:
    """A plan by field, without what may change after it is frozen whatever the state."""
    content: dict[str, Any] = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["evaluation"]["seeds"].pop("max", None)
    return content


def is_trial_increase(asked: Plan, frozen: Plan) -> bool:
    """Whether the plans differ in a larger number of trials and in nothing else."""
    tuning = asked.tuning.model_copy(update={"trials": frozen.tuning.trials})
    same = comparable_fields(asked.model_copy(update={"tuning": tuning})) == comparable_fields(frozen)
    return same and asked.tuning.trials > frozen.tuning.trials


def too_late(facts: Facts) -> str | None:
    """The variant whose frozen search the raised number would have given more trials; None where there is none."""
    trials = facts.asked.tuning.trials
    return next(
        (
            name
            for name in facts.plan.names
            if facts.search(name).digest is not None and facts.plan.trial_budget(name, trials) > facts.budget(name)
        ),
        None,
    )


def raise_trials(facts: Facts) -> tuple[Action, ...]:
    """What gives every search the number that is asked for now; nothing where all have it."""
    trials = facts.asked.tuning.trials
    if trials <= facts.plan.tuning.trials:
        return ()
    grows = any(facts.plan.trial_budget(name, trials) > facts.budget(name) for name in facts.plan.names)
    return (RaiseTrials(trials),) if grows else ()
