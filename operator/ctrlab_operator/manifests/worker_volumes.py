"""Volumes of a worker pod: writable folders and mounted files; the rest of its file system is read-only."""

from urllib.parse import urlsplit

from ctrlab_api.names import CLAIMS_FOLDER, ObjectKey
from ctrlab_api.resources.dataset import Dataset
from ctrlab_operator.kubernetes_api.api_client import Manifest

SCRATCH_FOLDER = "/tmp"
CACHE_FOLDER = "/var/cache/ctrlab"
"""Encoded data sets, downloaded once per pod."""
PLAN_FOLDER = "/etc/ctrlab/plan"
PLAN_FILE = f"{PLAN_FOLDER}/{ObjectKey.PLAN}"
CA_KEY = "ca.crt"
CA_FOLDER = "/etc/ctrlab/ca"
CA_FILE = f"{CA_FOLDER}/{CA_KEY}"


def source_claims(dataset: Dataset) -> tuple[str, ...]:
    """Return the sorted names of the PersistentVolumeClaims that the data set is read from."""
    source = dataset.source
    uris = [source.uri, *(table.uri for table in source.tables or ())]
    uris += [feature.pretrained.uri for feature in dataset.features if feature.pretrained is not None]
    return tuple(sorted({urlsplit(uri).netloc for uri in uris if uri.startswith("pvc://")}))


def pod_volumes(plan_config_map: str, ca_secret: str | None, claims: tuple[str, ...]) -> list[Manifest]:
    """Return the volumes; `ca_secret` is the Secret with the store's certificate authority, if it has one."""
    volumes: list[Manifest] = [
        {"name": "cache", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": plan_config_map}},
        {"name": "scratch", "emptyDir": {}},
    ]
    if ca_secret is not None:
        volumes.append({"name": "ca", "secret": {"secretName": ca_secret, "items": [{"key": CA_KEY, "path": CA_KEY}]}})
    for number, claim in enumerate(claims):
        reference = {"claimName": claim, "readOnly": True}
        volumes.append({"name": f"claim-{number}", "persistentVolumeClaim": reference})
    return volumes


def volume_mounts(ca_secret: str | None, claims: tuple[str, ...]) -> list[Manifest]:
    """Return the mounts of the volumes of `pod_volumes`."""
    mounts: list[Manifest] = [
        {"name": "cache", "mountPath": CACHE_FOLDER},
        {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
        {"name": "scratch", "mountPath": SCRATCH_FOLDER},
    ]
    if ca_secret is not None:
        mounts.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    for number, claim in enumerate(claims):
        mounts.append({"name": f"claim-{number}", "mountPath": f"{CLAIMS_FOLDER}/{claim}", "readOnly": True})
    return mounts
