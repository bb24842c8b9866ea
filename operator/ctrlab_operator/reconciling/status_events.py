"""Kubernetes Events: one at every change of stage, every failure, and when an obstacle appears or goes.

Which ones follow from the statuses before and after; the name follows from the content, so that a repeated write of
the same event is refused as a conflict and nothing is told twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import API_VERSION, ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import EVENT
from ctrlab_operator.operator_settings import FIELD_MANAGER

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
    stalled, ready = after.condition(ConditionType.STALLED), after.condition(ConditionType.READY)
    was = before.condition(ConditionType.STALLED) if before else None
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
    unique = short_digest(digest({"uid": meta.uid, "reason": note.reason, "text": note.text, "status": seen}), 16)
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


def publish(api: KubernetesApi, body: Manifest) -> None:
    """Events are a courtesy: a server that does not take one stops nothing."""
    try:
        api.create(EVENT, body["metadata"]["namespace"], body)
    except ApiError as error:
        if not (error.is_conflict or error.is_refusal or error.is_absent):
            raise


def _what(status: ExperimentStatus, ready: StatusCondition | None) -> str:
    if status.report is not None:
        return f"the report is at {status.report.uri}"
    return (ready.message if ready else "") or f"the stage is now {status.stage}"
