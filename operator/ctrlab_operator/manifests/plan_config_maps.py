"""The frozen plan as an immutable ConfigMap: mounted into the worker pods, and readable by every user."""

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.names import DIGEST_ANNOTATION, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.child_metadata import child_labels, child_name, owner_reference


def plan_config_map_name(experiment: Experiment, plan: Plan) -> str:
    """Return a name that contains the plan digest, so that it differs from that of a previous experiment's plan."""
    return child_name(experiment, plan, f"plan-{short_digest(plan.digest)}")


def plan_config_map(experiment: Experiment, plan: Plan) -> Manifest:
    """Return a ConfigMap with the same `plan.json` as the store."""
    return {
        "metadata": {
            "name": plan_config_map_name(experiment, plan),
            "labels": child_labels(experiment, plan, "plan"),
            "annotations": {DIGEST_ANNOTATION: plan.digest},
            "ownerReferences": [owner_reference(experiment, plan)],
        },
        "immutable": True,
        "data": {ObjectKey.PLAN: plan.to_json()},
    }
