"""Phase report, the last one: statistics, tables and figures from the records."""

from ctrlab_control.planner.actions import JobRequest
from ctrlab_control.planner.check_results import Fail, Work, ensure_job
from ctrlab_control.planner.facts import Facts
from ctrlab_control.planner.retrying import is_outdated_report

REQUEST = JobRequest(name="report", phase="report", program="report", arguments=("make",))


def report(facts: Facts) -> Work | Fail | None:
    """Run the report job until the store has a report, of the time after the last retry, and the job has ended.

    The job of an ablation continues after publishing: it adds a link to the experiment's report.
    """
    job = facts.jobs.get(REQUEST.name)
    is_current = facts.report is not None and not is_outdated_report(facts)
    if is_current and (job is None or job.state != "Active"):
        return None
    if job is not None and job.state in ("Complete", "Failed"):
        reason = job.message or "the job ended without a report"
        return Fail("ReportFailed", f"the report could not be made: {reason}; every run is kept")
    return Work("Reporting", ensure_job(facts, REQUEST), "computing statistics and writing the report")
