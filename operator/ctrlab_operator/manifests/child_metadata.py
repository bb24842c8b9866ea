"""Names, labels and owners of children.

The parent's labels are not copied: those of a GitOps tool or of a queueing system would make them act on the child.
An ablation is told from an experiment by its plan, which names the experiment that it takes apart.
"""

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.names import ABLATION_LABEL, API_VERSION, EXPERIMENT_LABEL, PHASE_LABEL
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT

MAX_NAME_LENGTH = 57
"""A pod's host name is the Job's name, a dash and the index, and has at most 63 characters."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "ctrlab-operator", "app.kubernetes.io/part-of": "ctrlab"}


def child_name(experiment: Experiment, plan: Plan, job: str) -> str:
    """`<experiment>-<job>`; where that is too long, its beginning and some digits of a digest.

    An ablation's always end in such digits, so that an experiment may have the same name.
    """
    own = experiment.metadata.name
    name = f"{own}-{job}"
    if plan.parent is not None:
        return _with_digits(name, f"{ABLATION.kind}/{name}", 6)
    return name if len(name) <= MAX_NAME_LENGTH else _with_digits(name, name, 8)


def child_labels(experiment: Experiment, plan: Plan, phase: str) -> dict[str, str]:
    """What children are found by; admission policies look at the phase."""
    labels = {**MANAGED_BY, EXPERIMENT_LABEL: experiment.metadata.name, PHASE_LABEL: phase}
    if plan.parent is None:
        return labels
    return {**labels, EXPERIMENT_LABEL: plan.parent.name, ABLATION_LABEL: experiment.metadata.name}


def owner(experiment: Experiment, plan: Plan) -> Manifest:
    """The owner's deletion takes the child along; without blockOwnerDeletion, which would need more rights."""
    return {
        "apiVersion": API_VERSION,
        "kind": (EXPERIMENT if plan.parent is None else ABLATION).kind,
        "name": experiment.metadata.name,
        "uid": experiment.metadata.uid,
        "controller": True,
    }


def _with_digits(name: str, content: str, count: int) -> str:
    return f"{name[: MAX_NAME_LENGTH - count - 1].rstrip('-')}-{short_digest(digest(content.encode()), count)}"
