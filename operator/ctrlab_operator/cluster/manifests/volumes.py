"""What a worker can write, and the files it is given; everything else in the container is read-only."""

from ctrlab_contract.names import Key
from ctrlab_operator.cluster.client import Manifest

SCRATCH_FOLDER = "/tmp"
CACHE_FOLDER = "/var/cache/ctrlab"
"""Encoded data sets, downloaded once for each pod."""
PLAN_FOLDER = "/etc/ctrlab/plan"
PLAN_FILE = f"{PLAN_FOLDER}/{Key.PLAN}"
CA_KEY = "ca.crt"
CA_FOLDER = "/etc/ctrlab/ca"
CA_FILE = f"{CA_FOLDER}/{CA_KEY}"


def volumes(plan_config_map: str, ca_secret: str | None) -> list[Manifest]:
    """`ca_secret`: the Secret with the store's certificate authority, if it has one."""
    found: list[Manifest] = [
        {"name": "cache", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": plan_config_map}},
        {"name": "scratch", "emptyDir": {}},
    ]
    if ca_secret is not None:
        found.append({"name": "ca", "secret": {"secretName": ca_secret, "items": [{"key": CA_KEY, "path": CA_KEY}]}})
    return found


def mounts(ca_secret: str | None) -> list[Manifest]:
    """Where the volumes are."""
    found: list[Manifest] = [
        {"name": "cache", "mountPath": CACHE_FOLDER},
        {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
        {"name": "scratch", "mountPath": SCRATCH_FOLDER},
    ]
    if ca_secret is not None:
        found.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    return found
