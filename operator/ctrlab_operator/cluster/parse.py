"""From the object as the API server holds it to the contract's model."""

import json
from typing import Any

from pydantic import ValidationError

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.manifests import KINDS, Resource
from ctrlab_contract.problems import describe_all
from ctrlab_contract.status import ExperimentStatus
from ctrlab_operator.cluster.client import Manifest
from ctrlab_operator.cluster.errors import Blocked
from ctrlab_operator.cluster.resources import EXPERIMENT, Kind


def experiment_from(body: Manifest) -> Experiment:
    """Blocked with every problem where the object breaks a rule that its schema does not know."""
    found = resource_from(EXPERIMENT, body)
    assert isinstance(found, Experiment)
    return found


def resource_from(kind: Kind, body: Manifest) -> Resource:
    """The resource of that kind; Blocked as above."""
    document = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
    model = KINDS[kind.kind]
    try:
        return model.model_validate_json(json.dumps(document))
    except ValidationError as error:
        problems = "; ".join(str(problem) for problem in describe_all(error, model))
        raise Blocked("InvalidSpec", f"{problems}; correct the specification") from None


def status_from(body: Manifest) -> ExperimentStatus | None:
    """The status that was written last, if it is one that this version can read."""
    try:
        return ExperimentStatus.model_validate_json(json.dumps(body.get("status")))
    except ValidationError:
        return None


def status_json(status: ExperimentStatus) -> dict[str, Any]:
    """As it is written: absent fields are left out, and server-side apply then removes them."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
