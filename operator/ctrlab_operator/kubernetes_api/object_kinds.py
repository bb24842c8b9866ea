"""The kinds of objects that the operator reads or writes; the chart's RBAC rules grant each verb that it uses."""

from dataclasses import dataclass

from ctrlab_api.names import GROUP, VERSION


@dataclass(frozen=True)
class ObjectKind:
    """A kind of Kubernetes object and its URL path."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of an object, or of a collection if `name` is None (cluster-wide if `namespace` is None)."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural]
        return "/".join([*parts, *([name] if name else []), *([subresource] if subresource else [])])


EXPERIMENT = ObjectKind(f"{GROUP}/{VERSION}", "CTRExperiment", "ctrexperiments")
ABLATION = ObjectKind(f"{GROUP}/{VERSION}", "Ablation", "ablations")
JOB = ObjectKind("batch/v1", "Job", "jobs")
POD = ObjectKind("v1", "Pod", "pods")
CONFIG_MAP = ObjectKind("v1", "ConfigMap", "configmaps")
SECRET = ObjectKind("v1", "Secret", "secrets")
WORKLOADS = tuple(
    ObjectKind(f"kueue.x-k8s.io/{version}", "Workload", "workloads") for version in ("v1beta2", "v1beta1")
)
"""Workload of Kueue in the versions that may be served, the newest first."""
EVENT = ObjectKind("events.k8s.io/v1", "Event", "events")
LEASE = ObjectKind("coordination.k8s.io/v1", "Lease", "leases")
