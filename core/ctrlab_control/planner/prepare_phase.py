"""Phase prepare: encode the data set once, content-addressed, with its test rows sealed."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts

REQUEST = JobRequest(name="prepare", phase="prepare", program="trainer", arguments=("prepare",))


def prepare(facts: Facts) -> Work | Fail | None:
    """Run the prepare job until prepared.json exists, whichever job wrote it."""
    if facts.prepared is not None:
        return None
    job = facts.jobs.get(REQUEST.name)
    if job is not None and job.state in ("Complete", "Failed"):
        reason = job.message or "the job ended without writing prepared.json"
        return Fail("PrepareFailed", f"{reason}; correct that and start the experiment again")
    reuses = facts.plan.parent is not None and not any(variant.add_features for variant in facts.plan.variants)
    message = "reusing the data set of the experiment" if reuses else "encoding the data set"
    return Work("Preparing", ensure_job(facts, REQUEST), message)
