"""Build the status: digests, progress as text for printer columns, and one entry for each model."""

from collections.abc import Collection

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun
from ctrlab_api.records.studies import token_of_digests
from ctrlab_api.resources.status import ExperimentStatus, ModelStatus, Stage
from ctrlab_control.planner.check_results import CheckResult, Ended, Fail, Incomplete, Pause, Success, Wait, Work
from ctrlab_control.planner.conditions import conditions_of
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.lost_runs import lost_runs, lost_runs_message

MILESTONES_BEFORE_STAGE: dict[Stage, int] = {
    "Preparing": 0,
    "Tuning": 1,
    "Evaluating": 2,
    "Deciding": 2,
    "Extending": 2,
}
"""Number of milestones that are reached before a stage of work."""

JOBS_OF_STAGE: dict[Stage, str] = {
    "Preparing": "prepare",
    "Tuning": "tune-",
    "Evaluating": "evaluate",
    "Deciding": "decide",
    "Extending": "evaluate-extended",
    "Reporting": "report",
}
"""Beginning of the names of the jobs of a stage of work."""

MILESTONES = (
    ConditionType.PREPARED,
    ConditionType.TUNING_COMPLETE,
    ConditionType.EVALUATION_COMPLETE,
    ConditionType.REPORT_PUBLISHED,
)


def status_of(facts: Facts, result: CheckResult) -> ExperimentStatus:
    """Return the status for the result of the checks; equal facts give an equal status, byte for byte."""
    previous, generation = facts.experiment.status, facts.experiment.metadata.generation
    if isinstance(result, Ended):
        assert previous is not None
        return previous.model_copy(update={"observed_generation": generation})
    plan, seeds = facts.plan, facts.plan.evaluation.seeds.values(facts.seed_count)
    budget = sum(facts.budget(name) for name in plan.names)
    done = sum(facts.study(name).done for name in plan.names)
    complete = sum(all((name, seed) in _runs_with_record(facts) for name in plan.names) for seed in seeds)
    started = facts.frozen_plan is not None or isinstance(result, Work)
    is_retry = isinstance(result, Work) and result.retry is not None
    lost = {} if is_retry else lost_runs(facts, active=isinstance(result, Work))
    return ExperimentStatus(
        observed_generation=generation,
        plan_digest=plan.digest if started else None,
        dataset_digest=_with_algorithm(facts.prepared.digest) if facts.prepared else None,
        search_digest=_search_token(facts),
        stage=_stage(facts, result),
        trials=f"{done}/{budget}" if budget else None,
        best=_best(facts),
        seeds=f"{complete}/{facts.seed_count}",
        seed_count=facts.decision.count if facts.decision else None,
        models=_models(facts, lost),
        report=facts.report,
        retry=result.retry if isinstance(result, Work) and result.retry else previous.retry if previous else None,
        conditions=conditions_of(
            facts.experiment.status,
            generation,
            facts.now,
            result,
            _milestones(facts, result),
            _reconciling(facts, result.stage) if isinstance(result, Work) else None,
            lost_runs_message(facts, lost),
        ),
    )


def _reconciling(facts: Facts, stage: Stage) -> tuple[str, str] | None:
    """Return reason and message of an outage in this stage, or of a change that has not reached all jobs."""
    outages = [
        job.outage
        for name, job in sorted(facts.jobs.items())
        if job.state == "Active" and job.outage is not None and name.startswith(JOBS_OF_STAGE.get(stage, name))
    ]
    if outages:
        outage = min(outages, key=lambda outage: outage.since)
        message = f"workers cannot run since {outage.since} and are started again until they can: {outage.message}"
        return "InfrastructureUnavailable", message
    change = _pending_change(facts)
    return ("ApplyingChange", change) if change else None


def _pending_change(facts: Facts) -> str:
    """Return which jobs still have the workers of an earlier specification, and when they are replaced."""
    outdated = {name: job for name, job in sorted(facts.jobs.items()) if job.state == "Active" and job.is_outdated}
    sentences = [
        f"job {name}: {job.running} running workers keep the previous specification until they end, "
        "and none starts with it"
        if job.running
        else f"job {name} is replaced, because its workers have not started"
        for name, job in outdated.items()
    ]
    return "; ".join(sentences)


def _runs_with_record(facts: Facts) -> frozenset[tuple[str, int]]:
    return frozenset((run.variant, run.seed) for run in facts.runs)


def _stage(facts: Facts, result: CheckResult) -> Stage:
    match result:
        case Work():
            return result.stage
        case Pause():
            return "Suspended"
        case Wait():
            return "Pending"
        case Fail():
            return "Failed"
        case Incomplete():
            return "Incomplete"
        case Success():
            return "Succeeded"
    return facts.experiment.status.stage if facts.experiment.status else "Pending"


def _milestones(facts: Facts, result: CheckResult) -> dict[str, bool]:
    """Return the milestones that are reached: by the stage of work (phases run in order), otherwise by the facts."""
    if isinstance(result, Work):
        passed = MILESTONES_BEFORE_STAGE.get(result.stage, 3)
        reached = [position < passed for position in range(len(MILESTONES))]
        if result.retry is not None:  # milestones that were reached are not reached any more
            return dict(zip(MILESTONES, reached, strict=True))
    else:
        prepared, tuned = facts.prepared is not None, facts.all_studies_frozen
        published = facts.report is not None
        planned = facts.plan.final_runs(facts.seed_count)
        reached = [prepared, prepared and tuned, published or facts.runs.issuperset(planned), published]
    return {name: is_reached or facts.is_true(name) for name, is_reached in zip(MILESTONES, reached, strict=True)}


def _search_token(facts: Facts) -> str | None:
    digests = {name: facts.study(name).digest for name in facts.plan.names}
    frozen = {name: digest for name, digest in digests.items() if digest is not None}
    return token_of_digests(frozen) if len(frozen) == len(digests) else None


def _best(facts: Facts) -> str | None:
    values = [study.best for study in facts.studies.values() if study.best is not None]
    if not values:
        return None
    return _decimal(min(values) if facts.plan.direction == "minimize" else max(values))


def _models(facts: Facts, lost: Collection[FinalRun]) -> tuple[ModelStatus, ...]:
    models = []
    for name in sorted(facts.plan.names):
        study = facts.study(name)
        models.append(
            ModelStatus(
                name=name,
                trials_done=study.done,
                trials_failed=study.failed,
                best=None if study.best is None else _decimal(study.best),
                search_digest=study.digest,
                runs_done=sum(run.variant == name for run in facts.runs),
                runs_failed=sum(run.variant == name for run in lost),
            )
        )
    return tuple(models)


def _decimal(value: float) -> str:
    return f"{value:.5f}"


def _with_algorithm(digest: str) -> str:
    """Return a digest with the prefix of its algorithm, which those of prepared data sets lack."""
    return digest if ":" in digest else f"sha256:{digest}"
