"""Kubernetes Events: one at every change of stage, every failure, and when an obstacle appears or goes.

Which ones follow from the statuses before and after; the name follows from the content, so that a repeated write of
the same event is refused as a conflict and nothing is told twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ctrlab_contract.canonical import digest, short
from ctrlab_contract.manifests import Resource
from ctrlab_contract.names import API_VERSION, Condition
from ctrlab_contract.status import ExperimentStatus, StatusCondition
from ctrlab_operator.cluster.client import Api, Manifest
from ctrlab_operator.cluster.errors import ApiError
from ctrlab_operator.cluster.resources import EVENT
from ctrlab_operator.cluster.settings import FIELD_MANAGER

LONGEST_NOTE = 1000
"""The API server takes 1024 bytes."""


@dataclass(frozen=True)
class Note:
    """What happened."""

    type: Literal["Normal", "Warning"]
    reason: str
    text: str


def notes(before: ExperimentStatus | None, after: ExperimentStatus) -> list[Note]:
    """What a person would want to be told of this change."""
    found: list[Note] = []
    stalled, ready = _condition(after, Condition.STALLED), _condition(after, Condition.READY)
    was = _condition(before, Condition.STALLED) if before else None
    if stalled is not None and stalled.status == "True":
        if was is None or (was.status, was.reason) != ("True", stalled.reason):
            found.append(Note("Warning", stalled.reason, stalled.message))
    elif before is None or before.stage != after.stage:
        found.append(Note("Normal", after.stage, _what(after, ready)))
    elif was is not None and was.status == "True":
        found.append(Note("Normal", "Resumed", f"{was.reason} is over; going on with {after.stage}"))
    return found


def event(resource: Resource, note: Note, identity: str, now: datetime) -> Manifest:
    """An Event of events.k8s.io/v1 about an experiment or an ablation."""
    meta, status = resource.metadata, resource.status
    seen = status.model_dump(mode="json") if status else {}
    unique = short(digest({"uid": meta.uid, "reason": note.reason, "text": note.text, "status": seen}), 16)
    return {
        "metadata": {"name": f"{meta.name}.{unique}", "namespace": meta.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": note.type,
        "reason": note.reason,
        "note": note.text[:LONGEST_NOTE],
        "action": "Reconcile",
        "reportingController": FIELD_MANAGER,
        "reportingInstance": identity,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": resource.kind,
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
        },
    }


def publish(api: Api, body: Manifest) -> None:
    """Events are a courtesy: a server that does not take one stops nothing."""
    try:
        api.create(EVENT, body["metadata"]["namespace"], body)
    except ApiError as error:
        if not (error.is_conflict or error.is_refusal or error.is_absent):
            raise


def _condition(status: ExperimentStatus, kind: str) -> StatusCondition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)


def _what(status: ExperimentStatus, ready: StatusCondition | None) -> str:
    if status.report is not None:
        return f"the report is at {status.report.uri}"
    return (ready.message if ready else "") or f"the stage is now {status.stage}"
