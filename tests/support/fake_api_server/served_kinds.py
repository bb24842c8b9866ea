"""The kinds that the fake API server serves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServedKind:
    """One kind of object, namespaced unless stated otherwise."""

    api_version: str
    kind: str
    plural: str
    has_status: bool = False
    namespaced: bool = True


SERVED_KINDS = (
    ServedKind("v1", "Namespace", "namespaces", namespaced=False),
    ServedKind("v1", "Pod", "pods", has_status=True),
    ServedKind("v1", "Secret", "secrets"),
    ServedKind("v1", "ConfigMap", "configmaps"),
    ServedKind("batch/v1", "Job", "jobs", has_status=True),
    ServedKind("coordination.k8s.io/v1", "Lease", "leases"),
    ServedKind("events.k8s.io/v1", "Event", "events"),
    ServedKind("kueue.x-k8s.io/v1beta2", "Workload", "workloads"),
    ServedKind("kueue.x-k8s.io/v1beta1", "Workload", "workloads"),
    ServedKind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False),
    ServedKind("ctrlab.dev/v1alpha1", "CTRExperiment", "ctrexperiments", has_status=True),
    ServedKind("ctrlab.dev/v1alpha1", "Ablation", "ablations", has_status=True),
)


def find_kind(api_version: str, plural: str) -> ServedKind | None:
    """Return the kind at this path of the API."""
    return next((kind for kind in SERVED_KINDS if (kind.api_version, kind.plural) == (api_version, plural)), None)


def served_kind(api_version: str, plural: str) -> ServedKind:
    """Return a kind that must be served."""
    kind = find_kind(api_version, plural)
    assert kind is not None, f"{api_version} {plural} is not served"
    return kind
