"""Raise `tuning.trials` while studies are in progress, the only change of a frozen plan that keeps its question.

The increase adds trials on validation data to every model alike. After a study is frozen, the models would have
different budgets, so an increase is rejected.
"""

from typing import Any

from ctrlab_api.plan import Plan
from ctrlab_control.planner.actions import Action, RaiseTrials
from ctrlab_control.planner.facts import Facts


def comparable_fields(plan: Plan) -> dict[str, Any]:
    """Return the plan by field, without the field that may always change after the plan is frozen (seeds.max)."""
    content: dict[str, Any] = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["evaluation"]["seeds"].pop("max", None)
    return content


def is_trial_increase(requested: Plan, frozen: Plan) -> bool:
    """Return whether the plans differ in a larger number of trials and in nothing else."""
    tuning = requested.tuning.model_copy(update={"trials": frozen.tuning.trials})
    is_same = comparable_fields(requested.model_copy(update={"tuning": tuning})) == comparable_fields(frozen)
    return is_same and requested.tuning.trials > frozen.tuning.trials


def frozen_study_without_increase(facts: Facts) -> str | None:
    """Return a variant whose study was frozen before the trials were raised; None if there is none."""
    trials = facts.requested_plan.tuning.trials
    return next(
        (
            name
            for name in facts.plan.names
            if facts.study(name).digest is not None and facts.plan.trial_budget(name, trials) > facts.budget(name)
        ),
        None,
    )


def raise_trials(facts: Facts) -> tuple[Action, ...]:
    """Return the action that gives every study the requested number of trials; nothing if all have it."""
    trials = facts.requested_plan.tuning.trials
    if trials <= facts.plan.tuning.trials:
        return ()
    grows = any(facts.plan.trial_budget(name, trials) > facts.budget(name) for name in facts.plan.names)
    return (RaiseTrials(trials),) if grows else ()
