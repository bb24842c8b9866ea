"""The status for a verdict: digests, progress as text for printer columns, and one line for each model."""

from ctrlab_api.canonical_json import digest
from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun
from ctrlab_api.resources.status import ExperimentStatus, ModelStatus, Stage
from ctrlab_control.planner.check_results import CheckResult, Ended, Fail, Pause, Success, Wait, Work
from ctrlab_control.planner.conditions import conditions_of
from ctrlab_control.planner.evaluate_phase import lost_runs
from ctrlab_control.planner.facts import Facts

PHASE_OF_STAGE: dict[Stage, int] = {"Preparing": 0, "Tuning": 1, "Evaluating": 2, "Deciding": 2, "Extending": 2}
"""How many of the milestones lie behind a stage of work."""

MILESTONES = (
    ConditionType.PREPARED,
    ConditionType.TUNING_COMPLETE,
    ConditionType.EVALUATION_COMPLETE,
    ConditionType.REPORT_PUBLISHED,
)


def status_of(facts: Facts, verdict: CheckResult) -> ExperimentStatus:
    """Equal facts give an equal status, byte for byte."""
    previous, generation = facts.experiment.status, facts.experiment.metadata.generation
    if isinstance(verdict, Ended):
        assert previous is not None
        return previous.model_copy(update={"observed_generation": generation})
    plan, seeds = facts.plan, facts.plan.evaluation.seeds.values(facts.seed_count)
    budget = sum(facts.budget(name) for name in plan.names)
    done = sum(facts.search(name).done for name in plan.names)
    complete = sum(all((name, seed) in _finished(facts) for name in plan.names) for seed in seeds)
    started = facts.frozen is not None or isinstance(verdict, Work)
    return ExperimentStatus(
        observed_generation=generation,
        plan_digest=plan.digest if started else None,
        dataset_digest=facts.prepared.digest if facts.prepared else None,
        search_digest=_token(facts),
        stage=_stage(facts, verdict),
        trials=f"{done}/{budget}" if budget else None,
        best=_best(facts),
        seeds=f"{complete}/{facts.seed_count}",
        seed_count=facts.decision.count if facts.decision else None,
        models=_models(facts, lost_runs(facts, active=isinstance(verdict, Work))),
        report=facts.report,
        conditions=conditions_of(facts.experiment.status, generation, facts.now, verdict, _milestones(facts, verdict)),
    )


def _finished(facts: Facts) -> frozenset[tuple[str, int]]:
    return frozenset((run.variant, run.seed) for run in facts.runs)


def _stage(facts: Facts, verdict: CheckResult) -> Stage:
    match verdict:
        case Work():
            return verdict.stage
        case Pause():
            return "Suspended"
        case Wait():
            return "Pending"
        case Fail():
            return "Failed"
        case Success():
            return "Succeeded"
    return facts.experiment.status.stage if facts.experiment.status else "Pending"


def _milestones(facts: Facts, verdict: CheckResult) -> dict[str, bool]:
    """Phases are passed in order, so a stage of work tells what lies behind it; otherwise the facts do."""
    if isinstance(verdict, Work):
        behind = PHASE_OF_STAGE.get(verdict.stage, 3)
        reached = [position < behind for position in range(len(MILESTONES))]
    else:
        prepared, tuned = facts.prepared is not None, facts.all_frozen
        published = facts.report is not None
        planned = facts.plan.final_runs(facts.seed_count)
        reached = [prepared, prepared and tuned, published or facts.runs.issuperset(planned), published]
    return {name: now or facts.holds(name) for name, now in zip(MILESTONES, reached, strict=True)}


def _token(facts: Facts) -> str | None:
    """As `records.search_token` computes it from the frozen searches themselves."""
    if not facts.all_frozen:
        return None
    return digest({name: facts.search(name).digest for name in facts.plan.names})


def _best(facts: Facts) -> str | None:
    values = [search.best for search in facts.searches.values() if search.best is not None]
    if not values:
        return None
    minimized = METRIC_DIRECTIONS[facts.plan.analysis.primary_metric] == "minimize"
    return _decimal(min(values) if minimized else max(values))


def _models(facts: Facts, lost: frozenset[FinalRun]) -> tuple[ModelStatus, ...]:
    found = []
    for name in sorted(facts.plan.names):
        search = facts.search(name)
        found.append(
            ModelStatus(
                name=name,
                trials_done=search.done,
                trials_failed=search.failed,
                best=None if search.best is None else _decimal(search.best),
                search_digest=search.digest,
                runs_done=sum(run.variant == name for run in facts.runs),
                runs_failed=sum(run.variant == name for run in lost),
            )
        )
    return tuple(found)


def _decimal(value: float) -> str:
    return f"{value:.5f}"
