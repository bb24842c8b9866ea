"""Kubernetes Events: one for every change of stage, every failure, and when an obstacle appears or is resolved.

The previous and the new status determine the Events, and the content of an Event determines its name: writing it again
is rejected as a conflict, so no Event is published twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_api.status_reasons import waits
from ctrlab_operator.kubernetes_api.api_client import FIELD_MANAGER, KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EVENT

MAX_NOTE_LENGTH = 1000
"""The API server accepts 1024 bytes."""


@dataclass(frozen=True)
class StatusEvent:
    """A change of a status that users are notified of."""

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


def status_events(previous: ExperimentStatus | None, status: ExperimentStatus) -> list[StatusEvent]:
    """Return the Events for a change of the status."""
    stalled, was_stalled = (_true_condition(s, ConditionType.STALLED) for s in (status, previous))
    change, previous_change = (_true_condition(s, ConditionType.RECONCILING) for s in (status, previous))
    events = []
    if change is not None and (previous_change is None or previous_change.reason != change.reason):
        events.append(StatusEvent("Warning" if waits(change.reason) else "Normal", change.reason, change.message))
    elif change is None and previous_change is not None and waits(previous_change.reason) and stalled is None:
        note = f"{previous_change.reason} is resolved; continuing in stage {status.stage}"
        events.append(StatusEvent("Normal", "Resumed", note))
    lost = status.condition(ConditionType.RUNS_LOST) if status.is_true(ConditionType.RUNS_LOST) else None
    if lost is not None and (previous is None or not previous.is_true(ConditionType.RUNS_LOST)):
        events.append(StatusEvent("Warning", ConditionType.RUNS_LOST, lost.message))
    return [*events, *_stage_events(previous, status, stalled, was_stalled)]


def _stage_events(
    previous: ExperimentStatus | None,
    status: ExperimentStatus,
    stalled: StatusCondition | None,
    was_stalled: StatusCondition | None,
) -> list[StatusEvent]:
    """Return the Event of a change of stage, or of the beginning or the end of a stall."""
    if stalled is not None:
        if was_stalled is None or was_stalled.reason != stalled.reason:
            return [StatusEvent("Warning", stalled.reason, stalled.message)]
    elif previous is None or previous.stage != status.stage:
        return [StatusEvent("Normal", status.stage, _stage_note(status))]
    elif was_stalled is not None:
        note = f"{was_stalled.reason} is resolved; continuing in stage {status.stage}"
        return [StatusEvent("Normal", "Resumed", note)]
    return []


def event_manifest(
    ref: ResourceRef, uid: str, status: ExperimentStatus, event: StatusEvent, reporter: str, now: datetime
) -> Manifest:
    """Return an Event of events.k8s.io/v1 about an experiment or an ablation, whose new status is `status`."""
    content = {"uid": uid, "reason": event.reason, "text": event.note, "status": status.model_dump(mode="json")}
    return {
        "metadata": {"name": f"{ref.name}.{short_digest(digest(content), 16)}", "namespace": ref.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": event.type,
        "reason": event.reason,
        "note": event.note[:MAX_NOTE_LENGTH],
        "action": "Reconcile",
        "reportingController": FIELD_MANAGER,
        "reportingInstance": reporter,
        "regarding": {
            "apiVersion": ref.kind.api_version,
            "kind": ref.kind.kind,
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": uid,
        },
    }


def publish_event(api: KubernetesApi, body: Manifest) -> None:
    """Create an Event; a server that rejects it does not stop the reconcile."""
    try:
        api.create(EVENT, body["metadata"]["namespace"], body)
    except ApiError as error:
        if not (error.is_conflict or error.is_rejected or error.is_not_found):
            raise


def _true_condition(status: ExperimentStatus | None, name: str) -> StatusCondition | None:
    condition = status.condition(name) if status else None
    return condition if condition is not None and condition.status == "True" else None


def _stage_note(status: ExperimentStatus) -> str:
    if status.stage == "Succeeded" and status.report is not None:
        return f"the report is at {status.report.uri}"
    ready = status.condition(ConditionType.READY)
    return (ready.message if ready else "") or f"entered stage {status.stage}"
