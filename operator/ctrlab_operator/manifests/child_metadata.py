"""Names, labels and owner references of child objects.

The parent's labels are not copied: those of a GitOps tool or of a queueing system would make it act on the child. A
plan shows whether it belongs to an ablation or to an experiment: the plan of an ablation names its experiment.
"""

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.names import ABLATION_LABEL, API_VERSION, EXPERIMENT_LABEL, PHASE_LABEL
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_operator.kubernetes_api.api_client import FIELD_MANAGER, Manifest
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT

MAX_NAME_LENGTH = 57
"""A pod's host name is the Job's name, a dash and the index, and has at most 63 characters."""

MANAGED_BY = {"app.kubernetes.io/managed-by": FIELD_MANAGER, "app.kubernetes.io/part-of": "ctrlab"}


def child_name(experiment: Experiment, plan: Plan, job: str) -> str:
    """Return `<experiment>-<job>`; a name that is too long is cut and ends in digits of its digest.

    Names of an ablation's children always end in such digits, so that an experiment may have the ablation's name.
    """
    name = f"{experiment.metadata.name}-{job}"
    if plan.is_ablation:
        return _with_digest(name, f"{ABLATION.kind}/{name}", 6)
    return name if len(name) <= MAX_NAME_LENGTH else _with_digest(name, name, 8)


def child_labels(experiment: Experiment, plan: Plan, phase: str) -> dict[str, str]:
    """Return the labels by which children are selected; admission policies check the phase."""
    labels = {**MANAGED_BY, EXPERIMENT_LABEL: experiment.metadata.name, PHASE_LABEL: phase}
    if plan.parent is None:
        return labels
    return {**labels, EXPERIMENT_LABEL: plan.parent.name, ABLATION_LABEL: experiment.metadata.name}


def owner_reference(experiment: Experiment, plan: Plan) -> Manifest:
    """Return the reference by which the child is deleted with its owner.

    It lacks blockOwnerDeletion, which would need more rights.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": (ABLATION if plan.is_ablation else EXPERIMENT).kind,
        "name": experiment.metadata.name,
        "uid": experiment.metadata.uid,
        "controller": True,
    }


def _with_digest(name: str, content: str, digits: int) -> str:
    return f"{name[: MAX_NAME_LENGTH - digits - 1].rstrip('-')}-{short_digest(digest(content.encode()), digits)}"
