"""What Pod Security `restricted` asks of pods, and a little more: a read-only root file system."""

from ctrlab_operator.kubernetes_api.api_client import Manifest

USER = 65532
"""Of the images that the Dockerfiles build; without a name or a home."""

POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
