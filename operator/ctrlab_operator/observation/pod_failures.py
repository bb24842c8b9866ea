"""Determining which pods are alive, and why a failed pod ended. Pure."""

from collections.abc import Sequence

from ctrlab_api.names import ExitCode
from ctrlab_operator.kubernetes_api.api_client import Manifest

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


def _terminated_states(pod: Manifest) -> list[Manifest]:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return [state for status in statuses if (state := status.get("state", {}).get("terminated"))]


def _rank(code: int) -> int:
    if code in NON_RETRIABLE_CODES:
        return NON_RETRIABLE_CODES.index(ExitCode(code))
    return len(NON_RETRIABLE_CODES) + (code == ExitCode.TERMINATED)


def _termination_message(pod: Manifest, state: Manifest) -> str:
    message = " ".join(str(state.get("message", "")).split())
    if not message and state.get("reason") == "OOMKilled":
        message = "out of memory; raise spec.runtime.resources.limits.memory"
    if not message:
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace")
        message = f"exit code {state['exitCode']}; see: kubectl logs -n {namespace} {name}"
    return message[:MAX_MESSAGE_LENGTH]
