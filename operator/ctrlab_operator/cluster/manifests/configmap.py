"""The frozen plan as an immutable ConfigMap: what the workers are given, for everybody to read."""

from ctrlab_contract.canonical import short
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import DIGEST_ANNOTATION, Key
from ctrlab_contract.plan import Plan
from ctrlab_operator.cluster.client import Manifest
from ctrlab_operator.cluster.manifests.metadata import child_labels, child_name, owner


def plan_name(experiment: Experiment, plan: Plan) -> str:
    """Named by its content, so that an experiment of the same name that came before it is no obstacle."""
    return child_name(experiment, plan, f"plan-{short(plan.digest)}")


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
        "data": {Key.PLAN: plan.to_json()},
    }
