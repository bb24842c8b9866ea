"""The kinds that the fake API server knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Served:
    """One resource; all are namespaced but those that say otherwise."""

    api_version: str
    kind: str
    plural: str
    has_status: bool = False
    namespaced: bool = True


SERVED = (
    Served("v1", "Namespace", "namespaces", namespaced=False),
    Served("v1", "Pod", "pods", has_status=True),
    Served("v1", "Secret", "secrets"),
    Served("v1", "ConfigMap", "configmaps"),
    Served("batch/v1", "Job", "jobs", has_status=True),
    Served("coordination.k8s.io/v1", "Lease", "leases"),
    Served("events.k8s.io/v1", "Event", "events"),
    Served("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False),
    Served("ctrlab.dev/v1alpha1", "CTRExperiment", "ctrexperiments", has_status=True),
    Served("ctrlab.dev/v1alpha1", "Ablation", "ablations", has_status=True),
)


def find(api_version: str, plural: str) -> Served | None:
    """By its place in the API."""
    return next((served for served in SERVED if (served.api_version, served.plural) == (api_version, plural)), None)
