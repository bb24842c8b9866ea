"""Determining which pods are alive, and why a failed pod ended. Pure."""

from collections.abc import Sequence

from ctrlab_api.names import ExitCode
from ctrlab_control.planner import Outage
from ctrlab_operator.kubernetes_api.api_client import Manifest

INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
MAX_MESSAGE_LENGTH = 1000

NON_RETRIABLE_CODES = (ExitCode.BAD_SPEC_OR_DATA, ExitCode.RUN_FAILED)
"""Exit codes after which a retry cannot succeed, most important first."""


def is_alive(pod: Manifest) -> bool:
    """Return whether the pod's process may still be running, as that of a pod that is being deleted."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def is_running(pod: Manifest) -> bool:
    """Return whether the pod's process has started and may still be running, also if its node does not respond."""
    return pod.get("status", {}).get("phase") in ("Running", "Unknown")


def failure_message(pods: Sequence[Manifest]) -> str:
    """Return the termination message of the pod whose failure explains most: non-retriable exit codes come first."""
    failures = [(pod, state) for pod in pods for state in _terminated_states(pod) if state.get("exitCode")]
    if not failures:
        return ""
    pod, state = min(failures, key=lambda failure: (_rank(int(failure[1]["exitCode"])), failure[0]["metadata"]["name"]))
    return _termination_message(pod, state)


def failure_messages(pods: Sequence[Manifest]) -> dict[int, str]:
    """Return the message of `failure_message` for each index with a failed pod."""
    by_index: dict[int, list[Manifest]] = {}
    for pod in pods:
        index = pod["metadata"].get("annotations", {}).get(INDEX_ANNOTATION)
        if index is not None:
            by_index.setdefault(int(index), []).append(pod)
    messages = {index: failure_message(members) for index, members in sorted(by_index.items())}
    return {index: message for index, message in messages.items() if message}


def current_outage(pods: Sequence[Manifest]) -> Outage | None:
    """Return the unavailable infrastructure, if the pod that ended last ended because of it."""
    ends = sorted(
        ((state, pod) for pod in pods for state in _terminated_states(pod)),
        key=lambda end: (str(end[0].get("finishedAt", "")), str(end[1]["metadata"]["name"])),
    )
    outage: Outage | None = None
    for state, pod in reversed(ends):
        if state.get("exitCode") != ExitCode.UNAVAILABLE:
            break
        message = outage.message if outage is not None else _termination_message(pod, state)
        outage = Outage(message, str(state.get("finishedAt", "")))
    return outage


def _terminated_states(pod: Manifest) -> list[Manifest]:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return [state for status in statuses if (state := status.get("state", {}).get("terminated"))]


def _rank(code: int) -> int:
    if code in NON_RETRIABLE_CODES:
        return NON_RETRIABLE_CODES.index(ExitCode(code))
    return len(NON_RETRIABLE_CODES) + (code in (ExitCode.TERMINATED, ExitCode.UNAVAILABLE))


def _termination_message(pod: Manifest, state: Manifest) -> str:
    message = " ".join(str(state.get("message", "")).split())
    if not message and state.get("reason") == "OOMKilled":
        message = "out of memory; raise spec.runtime.resources.limits.memory"
    if not message:
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace")
        message = f"exit code {state['exitCode']}; see: kubectl logs -n {namespace} {name}"
    return message[:MAX_MESSAGE_LENGTH]
