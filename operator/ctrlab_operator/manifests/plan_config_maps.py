"""The frozen plan as an immutable ConfigMap: what the workers are given, for everybody to read."""

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.names import DIGEST_ANNOTATION, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.child_metadata import child_labels, child_name, owner


def plan_name(experiment: Experiment, plan: Plan) -> str:
    """Named by its content, so that an experiment of the same name that came before it is no obstacle."""
    return child_name(experiment, plan, f"plan-{short_digest(plan.digest)}")


def plan_config_map(experiment: Experiment, plan: Plan) -> Manifest:
    """`plan.json` as it is in the store."""
    return {
        "metadata": {
            "name": plan_name(experiment, plan),
            "labels": child_labels(experiment, plan, "plan"),
            "annotations": {DIGEST_ANNOTATION: plan.digest},
            "ownerReferences": [owner(experiment, plan)],
        },
        "immutable": True,
        "data": {ObjectKey.PLAN: plan.to_json()},
    }
