"""Phase extend: at most once, from the pilot's validation spread, the number of seeds is raised for all variants."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.evaluate_phase import final_runs
from ctrlab_control.planner.facts import Facts


def decide_seeds(facts: Facts) -> Work | Fail | None:
    """Only where the plan asks for a precision; a decision that was made stays."""
    evaluation = facts.plan.evaluation
    if evaluation.precision is None or facts.decision is not None:
        return None
    arguments: tuple[str, ...] = ("decide-seeds",)
    asked = facts.experiment.spec.evaluation.seeds.max
    if asked is not None and asked != evaluation.seeds.max:
        arguments += ("--max", str(asked))
    request = JobRequest(name="decide", phase="decide", program="report", arguments=arguments)
    job = facts.jobs.get(request.name)
    if job is not None and job.state in ("Complete", "Failed"):
        why = job.message or "the job ended without a decision"
        return Fail("DecisionFailed", f"the number of seeds could not be decided: {why}")
    return Work(
        "Deciding", ensure_job(facts, request), "deciding from the validation spread whether more seeds are needed"
    )


def extend(facts: Facts) -> Work | Fail | None:
    """The additional runs: the seeds after the planned ones, for every variant."""
    planned = facts.plan.run_groups()
    added = facts.plan.run_groups(facts.seed_count)[len(planned) :]
    arguments = ("evaluate", "--seed-count", str(facts.seed_count), "--first-index", str(len(planned)))
    return final_runs(facts, "evaluate-extended", "Extending", added, arguments)
