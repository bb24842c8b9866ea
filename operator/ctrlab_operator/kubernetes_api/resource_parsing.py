"""From the object as the API server holds it to the contract's model."""

import json
from typing import Any

from pydantic import ValidationError

from ctrlab_api.loading.resource_loading import KINDS, Resource
from ctrlab_api.loading.validation_problems import describe_errors
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.api_errors import Blocked
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, ObjectKind


def parse_experiment(body: Manifest) -> Experiment:
    """Blocked with every problem where the object breaks a rule that its schema does not know."""
    found = parse_resource(EXPERIMENT, body)
    assert isinstance(found, Experiment)
    return found


def parse_resource(kind: ObjectKind, body: Manifest) -> Resource:
    """The resource of that kind; Blocked as above."""
    document = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
    model = KINDS[kind.kind]
    try:
        return model.model_validate_json(json.dumps(document))
    except ValidationError as error:
        problems = "; ".join(str(problem) for problem in describe_errors(error, model))
        raise Blocked("InvalidSpec", f"{problems}; correct the specification") from None


def parse_status(body: Manifest) -> ExperimentStatus | None:
    """The status that was written last, if it is one that this version can read."""
    try:
        return ExperimentStatus.model_validate_json(json.dumps(body.get("status")))
    except ValidationError:
        return None


def status_json(status: ExperimentStatus) -> dict[str, Any]:
    """As it is written: absent fields are left out, and server-side apply then removes them."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
