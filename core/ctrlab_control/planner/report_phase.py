"""Phase report: statistics, tables and figures from the records; the last one."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts

REQUEST = JobRequest(name="report", phase="report", program="report", arguments=("make",))


def report(facts: Facts) -> Work | Fail | None:
    """Over when the store points to a report and its job has ended: that of an ablation goes on to link to it from the
    experiment's."""
    job = facts.jobs.get(REQUEST.name)
    if facts.report is not None and (job is None or job.state != "Active"):
        return None
    if job is not None and job.state in ("Complete", "Failed"):
        why = job.message or "the job ended without a report"
        return Fail("ReportFailed", f"the report could not be made: {why}; every run is kept")
    return Work("Reporting", ensure_job(facts, REQUEST), "computing statistics and writing the report")
