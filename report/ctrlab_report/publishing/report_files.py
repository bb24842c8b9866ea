"""Writing a report into the store: every file once, the manifest last, then the pointer to the newest."""

import json
from collections.abc import Mapping

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.names import ObjectKey, ReportFile
from ctrlab_api.records import ReportSummary
from ctrlab_store import Store


def publish_report(folder: Store, summary: ReportSummary, files: Mapping[str, bytes]) -> str:
    """Put all files under the report's digest and point LATEST at them; returns the key of the report's folder.

    The digest is of the inputs and the versions, so the same report again writes the same bytes, which the store
    accepts; anything else raises ObjectExists.
    """
    prefix = ObjectKey.report(short_digest(summary.digest, 64))
    for name, content in sorted(files.items()):
        folder.put(prefix + name, content)
    folder.put(prefix + ReportFile.MANIFEST, manifest(summary, files))
    folder.replace(ObjectKey.LATEST_REPORT, prefix.encode())
    folder.replace(ObjectKey.LATEST_PAGE, forward(prefix.removeprefix("report/") + "report.html"))
    return prefix


def forward(target: str) -> bytes:
    """A page that leads to another one."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Newest report</title>\n'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>\n'
        f'<body><p><a href="{target}">The newest report</a></p></body></html>\n'
    ).encode()


def manifest(summary: ReportSummary, files: Mapping[str, bytes]) -> bytes:
    """sha256 and size of every file of the report, and of every object that it was made from."""
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
