"""The kinds that the operator reads or writes, and their places in the API: each verb needed is in the chart's RBAC."""

from dataclasses import dataclass

from ctrlab_api.names import GROUP, VERSION


@dataclass(frozen=True)
class ObjectKind:
    """A namespaced kind of object."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Of a collection (of one namespace, or of all with None) or of one object."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural]
        return "/".join([*parts, *([name] if name else []), *([subresource] if subresource else [])])


EXPERIMENT = ObjectKind(f"{GROUP}/{VERSION}", "CTRExperiment", "ctrexperiments")
ABLATION = ObjectKind(f"{GROUP}/{VERSION}", "Ablation", "ablations")
JOB = ObjectKind("batch/v1", "Job", "jobs")
POD = ObjectKind("v1", "Pod", "pods")
CONFIG_MAP = ObjectKind("v1", "ConfigMap", "configmaps")
SECRET = ObjectKind("v1", "Secret", "secrets")
EVENT = ObjectKind("events.k8s.io/v1", "Event", "events")
LEASE = ObjectKind("coordination.k8s.io/v1", "Lease", "leases")
