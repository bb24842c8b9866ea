"""`decide`: the chain of checks, read from top to bottom, and what follows from the first that speaks."""

from dataclasses import dataclass

from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.planner.actions import Action, DeleteJob, WritePlan
from ctrlab_control.planner.check_results import Check, CheckResult, Success, Work
from ctrlab_control.planner.evaluate_phase import evaluate
from ctrlab_control.planner.extend_phase import decide_seeds, extend
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.preconditions import changed, ended, invalid, suspended, waiting
from ctrlab_control.planner.prepare_phase import prepare
from ctrlab_control.planner.report_phase import report
from ctrlab_control.planner.status_updates import status_of
from ctrlab_control.planner.tune_phase import tune

CHAIN: tuple[Check, ...] = (
    ended,  # Make sure that what has ended stays as it ended.
    invalid,  # Make sure that nothing starts which cannot succeed.
    changed,  # Make sure that the question is still the one that was frozen.
    suspended,  # Make sure that the user wants work now.
    waiting,  # Make sure that an ablation's experiment has succeeded.
    prepare,  # Make sure that the data set is encoded.
    tune,  # Make sure that every search is frozen.
    evaluate,  # Make sure that every planned final run has ended.
    decide_seeds,  # Make sure that the number of seeds is decided, where that was asked for.
    extend,  # Make sure that every additional run has ended.
    report,  # Make sure that the report is published.
)


@dataclass(frozen=True)
class Decision:
    """Actions in order, and the status to write once they are done."""

    actions: tuple[Action, ...]
    status: ExperimentStatus


def decide(facts: Facts) -> Decision:
    """What to do now. Pure; the same facts give the same decision, and carrying it out leaves nothing to do."""
    verdict = next((found for check in CHAIN if (found := check(facts)) is not None), Success())
    return Decision(actions=_actions(facts, verdict), status=status_of(facts, verdict))


def _actions(facts: Facts, verdict: CheckResult) -> tuple[Action, ...]:
    if not isinstance(verdict, Work):
        return tuple(DeleteJob(name) for name in facts.active_jobs)
    freeze: tuple[Action, ...] = (WritePlan(facts.plan),) if facts.frozen is None else ()
    return freeze + verdict.actions
