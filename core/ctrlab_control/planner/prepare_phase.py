"""Phase prepare: the data set is encoded once, content-addressed, with its test rows under the seal."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts

REQUEST = JobRequest(name="prepare", phase="prepare", program="trainer", arguments=("prepare",))


def prepare(facts: Facts) -> Work | Fail | None:
    """Over as soon as prepared.json exists, whoever wrote it."""
    if facts.prepared is not None:
        return None
    job = facts.jobs.get(REQUEST.name)
    if job is not None and job.state in ("Complete", "Failed"):
        why = job.message or "the job ended without writing prepared.json"
        return Fail("PrepareFailed", f"{why}; correct that and start the experiment again")
    return Work("Preparing", ensure_job(facts, REQUEST), "encoding the data set")
