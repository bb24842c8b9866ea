"""The conclusion of a published report, for the status of its experiment."""

import json

from ctrlab_api.names import ReportFile
from ctrlab_api.resources.status import MAX_VERDICT_LENGTH, ReportStatus
from ctrlab_store import Store

SHOWN_COMPARISONS = 2
"""Number of comparisons that a printer column has room for."""


def report_status(folder: Store, target: str) -> ReportStatus:
    """Return location, digest and verdict of a report; `target` is its folder below that of the experiment.

    Only the fields that the status shows are read, so that the summary of another version is readable.
    """
    uri, digest = f"{folder.uri}/{target}", target.rpartition("/")[2]
    key = f"{target}/{ReportFile.SUMMARY}"
    if not folder.exists(key):
        return ReportStatus(uri=uri, digest=digest)
    summary = json.loads(folder.get(key))
    return ReportStatus(
        uri=uri,
        digest=digest,
        page=f"{uri}/{ReportFile.PAGE}",
        verdict=_verdict(summary) or None,
        conclusion=" ".join(summary.get("answers", ()))[:MAX_VERDICT_LENGTH] or None,
    )


def _verdict(summary: dict[str, list[dict[str, str]]]) -> str:
    """Return the verdicts of the first primary comparisons, such as `DeepFM vs LR: better`."""
    decided = [row for row in summary.get("comparisons", ()) if row.get("verdict")]
    texts = [f"{row['a']} vs {row['b']}: {row.get('label') or row['verdict']}" for row in decided[:SHOWN_COMPARISONS]]
    if len(decided) > SHOWN_COMPARISONS:
        texts.append(f"{len(decided) - SHOWN_COMPARISONS} more in the report")
    return "; ".join(texts)[:MAX_VERDICT_LENGTH]
