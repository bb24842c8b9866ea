"""Phase report: statistics, tables and figures from the records; the last one."""

from ctrlab_operator.planner.actions import JobRequest
from ctrlab_operator.planner.facts import Facts
from ctrlab_operator.planner.verdicts import Fail, Work, ensure

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
    return Work("Reporting", ensure(facts, REQUEST), "computing statistics and writing the report")
