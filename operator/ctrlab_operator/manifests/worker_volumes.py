"""What a worker can write, and the files it is given; everything else in the container is read-only."""

from urllib.parse import urlsplit

from ctrlab_api.names import CLAIMS_FOLDER, ObjectKey
from ctrlab_api.resources.dataset import Dataset
from ctrlab_operator.kubernetes_api.api_client import Manifest

SCRATCH_FOLDER = "/tmp"
CACHE_FOLDER = "/var/cache/ctrlab"
"""Encoded data sets, downloaded once for each pod."""
PLAN_FOLDER = "/etc/ctrlab/plan"
PLAN_FILE = f"{PLAN_FOLDER}/{ObjectKey.PLAN}"
CA_KEY = "ca.crt"
CA_FOLDER = "/etc/ctrlab/ca"
CA_FILE = f"{CA_FOLDER}/{CA_KEY}"


def claims(dataset: Dataset) -> tuple[str, ...]:
    """Names of the PersistentVolumeClaims that the data set is read from, sorted."""
    source = dataset.source
    uris = [source.uri, *(table.uri for table in source.tables or ())]
    uris += [feature.pretrained.uri for feature in dataset.features if feature.pretrained is not None]
    return tuple(sorted({urlsplit(uri).netloc for uri in uris if uri.startswith("pvc://")}))


def volumes(plan_config_map: str, ca_secret: str | None, claims: tuple[str, ...]) -> list[Manifest]:
    """`ca_secret`: the Secret with the store's certificate authority, if it has one."""
    found: list[Manifest] = [
        {"name": "cache", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": plan_config_map}},
        {"name": "scratch", "emptyDir": {}},
    ]
    if ca_secret is not None:
        found.append({"name": "ca", "secret": {"secretName": ca_secret, "items": [{"key": CA_KEY, "path": CA_KEY}]}})
    for number, claim in enumerate(claims):
        reference = {"claimName": claim, "readOnly": True}
        found.append({"name": f"claim-{number}", "persistentVolumeClaim": reference})
    return found


def mounts(ca_secret: str | None, claims: tuple[str, ...]) -> list[Manifest]:
    """Where the volumes are."""
    found: list[Manifest] = [
        {"name": "cache", "mountPath": CACHE_FOLDER},
        {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
        {"name": "scratch", "mountPath": SCRATCH_FOLDER},
    ]
    if ca_secret is not None:
        found.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    for number, claim in enumerate(claims):
        found.append({"name": f"claim-{number}", "mountPath": f"{CLAIMS_FOLDER}/{claim}", "readOnly": True})
    return found
