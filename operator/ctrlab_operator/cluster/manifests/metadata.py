"""Names, labels and owners of children.

The parent's labels are not copied: those of a GitOps tool or of a queueing system would make them act on the child.
"""

from ctrlab_contract.canonical import digest, short
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import API_VERSION, EXPERIMENT_LABEL, PHASE_LABEL
from ctrlab_operator.cluster.client import Manifest

LONGEST_NAME = 57
"""A pod's host name is the Job's name, a dash and the index, and has at most 63 characters."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "ctrlab-operator", "app.kubernetes.io/part-of": "ctrlab"}


def child_name(experiment: str, job: str) -> str:
    """`<experiment>-<job>`; where that is too long, its beginning and some digits of a digest."""
    name = f"{experiment}-{job}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9].rstrip('-')}-{short(digest(name.encode()), 8)}"


def child_labels(experiment: Experiment, phase: str) -> dict[str, str]:
    """What children are found by; admission policies look at the phase."""
    return {**MANAGED_BY, EXPERIMENT_LABEL: experiment.metadata.name, PHASE_LABEL: phase}


def owner(experiment: Experiment) -> Manifest:
    """The experiment's deletion takes the child along; without blockOwnerDeletion, which would need more rights."""
    return {
        "apiVersion": API_VERSION,
        "kind": experiment.kind,
        "name": experiment.metadata.name,
        "uid": experiment.metadata.uid,
        "controller": True,
    }
