"""`decide`: a chain of checks from top to bottom; the first result determines the actions and the status."""

from dataclasses import dataclass

from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.planner.actions import Action, DeleteJob, WritePlan
from ctrlab_control.planner.check_results import Check, CheckResult, Success, Work
from ctrlab_control.planner.evaluate_phase import evaluate
from ctrlab_control.planner.extend_phase import decide_seeds, extend
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.lost_runs import incomplete
from ctrlab_control.planner.preconditions import changed, ended, invalid, suspended, waiting
from ctrlab_control.planner.prepare_phase import prepare
from ctrlab_control.planner.report_phase import report
from ctrlab_control.planner.retrying import retry
from ctrlab_control.planner.status_updates import status_of
from ctrlab_control.planner.tune_phase import tune

CHAIN: tuple[Check, ...] = (
    ended,  # Make sure that an ended experiment does not change.
    invalid,  # Make sure that an invalid specification never starts.
    changed,  # Make sure that the plan is the frozen one.
    suspended,  # Make sure that the user has not suspended it.
    waiting,  # Make sure that an ablation's experiment has succeeded.
    retry,  # Make sure that a requested retry begins.
    prepare,  # Make sure that the data set is prepared.
    tune,  # Make sure that every study is frozen.
    evaluate,  # Make sure that every planned final run has ended.
    decide_seeds,  # Make sure that the number of seeds is decided if the plan has a precision.
    extend,  # Make sure that every additional run has ended.
    report,  # Make sure that the report is published.
    incomplete,  # Make sure that every planned run has a result.
)


@dataclass(frozen=True)
class Decision:
    """Actions in order, and the status to write after them."""

    actions: tuple[Action, ...]
    status: ExperimentStatus


def decide(facts: Facts) -> Decision:
    """Return the next actions and the status. Pure: equal facts give equal decisions.

    After the actions of a decision, the next decision has no actions until the facts change.
    """
    result = next((result for check in CHAIN if (result := check(facts)) is not None), _success(facts))
    return Decision(actions=_actions(facts, result), status=status_of(facts, result))


def _success(facts: Facts) -> Success:
    if facts.report is None:
        return Success()
    address = f"the report is at {facts.report.page or facts.report.uri}"
    return Success(
        f"{facts.report.conclusion} {address[0].upper()}{address[1:]}" if facts.report.conclusion else address
    )


def _actions(facts: Facts, result: CheckResult) -> tuple[Action, ...]:
    if not isinstance(result, Work):
        return tuple(DeleteJob(name) for name in facts.active_jobs)
    freeze: tuple[Action, ...] = (WritePlan(facts.plan),) if facts.frozen_plan is None else ()
    return freeze + result.actions
