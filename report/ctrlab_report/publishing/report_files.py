"""Writes the files of a report into the store: the manifest last, then the pointers to the newest report."""

import json
from collections.abc import Mapping

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.names import ObjectKey, ReportFile
from ctrlab_api.records import ReportSummary
from ctrlab_store import Store


def publish_report(folder: Store, summary: ReportSummary, files: Mapping[str, bytes]) -> str:
    """Write all files below the report's digest, and point LATEST to them; return the key of the report's folder.

    The digest covers inputs and versions, so the same report made again has the same bytes, which the store accepts;
    other bytes raise ObjectExists.
    """
    prefix = ObjectKey.report(short_digest(summary.digest, 64))
    for name, content in sorted(files.items()):
        folder.put(prefix + name, content)
    folder.put(prefix + ReportFile.MANIFEST, _manifest(summary, files))
    folder.replace(ObjectKey.LATEST_REPORT, prefix.encode())
    folder.replace(ObjectKey.LATEST_PAGE, _redirect_page(prefix.removeprefix("report/") + "report.html"))
    return prefix


def _redirect_page(target: str) -> bytes:
    """Return an HTML page that redirects to `target`."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Newest report</title>\n'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>\n'
        f'<body><p><a href="{target}">The newest report</a></p></body></html>\n'
    ).encode()


def _manifest(summary: ReportSummary, files: Mapping[str, bytes]) -> bytes:
    """Return the manifest: SHA-256 and size of every file of the report, and the digest of every input."""
    content = {
        "schemaVersion": 1,
        "experiment": f"{summary.namespace}/{summary.experiment}/{summary.uid}",
        "report": summary.digest,
        "planDigest": summary.plan_digest,
        "files": {name: {"sha256": digest(data), "bytes": len(data)} for name, data in sorted(files.items())},
        "inputs": summary.inputs,
        "versions": summary.versions,
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
