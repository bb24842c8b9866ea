"""Phase extend: raise the number of seeds of all variants at most once, from the validation spread of the pilot."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.evaluate_phase import final_runs
from ctrlab_control.planner.facts import Facts


def decide_seeds(facts: Facts) -> Work | Fail | None:
    """Decide the number of seeds if the plan has a precision; a decision never changes."""
    evaluation = facts.plan.evaluation
    if evaluation.precision is None or facts.decision is not None:
        return None
    arguments: tuple[str, ...] = ("decide-seeds",)
    requested_max = facts.experiment.spec.evaluation.seeds.max
    if requested_max is not None and requested_max != evaluation.seeds.max:
        arguments += ("--max", str(requested_max))
    request = JobRequest(name="decide", phase="decide", program="report", arguments=arguments)
    job = facts.jobs.get(request.name)
    if job is not None and job.state in ("Complete", "Failed"):
        reason = job.message or "the job ended without a decision"
        return Fail("DecisionFailed", f"the number of seeds could not be decided: {reason}")
    return Work(
        "Deciding", ensure_job(facts, request), "deciding from the validation spread whether more seeds are needed"
    )


def extend(facts: Facts) -> Work | Fail | None:
    """Run the seeds after the planned ones, for every variant."""
    planned = facts.plan.run_groups()
    added = facts.plan.run_groups(facts.seed_count)[len(planned) :]
    arguments = ("evaluate", "--seed-count", str(facts.seed_count), "--first-index", str(len(planned)))
    return final_runs(facts, "evaluate-extended", "Extending", added, arguments)
