"""What pods tell: which workers live, and why one failed. Pure."""

from collections.abc import Sequence

from ctrlab_api.names import ExitCode
from ctrlab_operator.kubernetes_api.api_client import Manifest

LONGEST_MESSAGE = 1000


def is_alive(pod: Manifest) -> bool:
    """Whether its process may still be running; a pod that is being deleted still is."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def last_words(pods: Sequence[Manifest]) -> str:
    """Why the job failed, as one of its workers said it; those that no retry could help speak first."""
    ended = [(pod, state) for pod in pods for state in _terminated(pod) if state.get("exitCode")]
    ended.sort(key=lambda found: (_importance(int(found[1]["exitCode"])), found[0]["metadata"]["name"]))
    return _said(*ended[0]) if ended else ""


def _terminated(pod: Manifest) -> list[Manifest]:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return [found for status in statuses if (found := status.get("state", {}).get("terminated"))]


def _importance(code: int) -> int:
    order = (ExitCode.BAD_SPEC_OR_DATA, ExitCode.RUN_FAILED)
    if code in order:
        return order.index(ExitCode(code))
    return len(order) + (code == ExitCode.TERMINATED)


def _said(pod: Manifest, state: Manifest) -> str:
    message = " ".join(str(state.get("message", "")).split())
    if not message and state.get("reason") == "OOMKilled":
        message = "out of memory; raise spec.runtime.resources.limits.memory"
    if not message:
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace")
        message = f"exit code {state['exitCode']}; see: kubectl logs -n {namespace} {name}"
    return message[:LONGEST_MESSAGE]
