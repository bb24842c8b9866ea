"""Security contexts: Pod Security `restricted`, and in addition a read-only root file system."""

from ctrlab_operator.kubernetes_api.api_client import Manifest

USER_ID = 65532
"""User of the images that the Dockerfiles build; it has neither a name nor a home directory."""

POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "fsGroup": USER_ID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
