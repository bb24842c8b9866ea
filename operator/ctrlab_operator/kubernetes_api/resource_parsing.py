"""Parsing the JSON of an experiment or ablation into the models of `ctrlab_api`, and back for the status.

The text is validated as JSON and not as a dict: the models are strict, and only in JSON is a list a valid tuple.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ctrlab_api.loading.resource_loading import KINDS, Resource
from ctrlab_api.loading.validation_problems import describe_errors
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, ObjectKind


def parse_experiment(text: bytes) -> Experiment:
    """Return the experiment; Blocked with every problem if it breaks a rule that the CRD's schema does not express."""
    experiment = parse_resource(EXPERIMENT, text)
    assert isinstance(experiment, Experiment)
    return experiment


def parse_resource(kind: ObjectKind, text: bytes) -> Resource:
    """Return the resource of this kind; raises like `parse_experiment`."""
    model = KINDS[kind.kind]
    try:
        resource = model.model_validate_json(text)
        return resource.model_copy(update={"status": _seen(resource.status)})
    except ValidationError as error:
        problems = "; ".join(str(problem) for problem in describe_errors(error, model))
        raise Blocked("InvalidSpec", f"{problems}; correct the specification") from None


class _StatusOnly(BaseModel):
    """A resource of which only the status is read."""

    model_config = ConfigDict(extra="ignore")

    status: ExperimentStatus | None = None


def parse_status(text: bytes) -> ExperimentStatus | None:
    """Return the last written status of a resource, or None if this version cannot read it."""
    try:
        return _seen(_StatusOnly.model_validate_json(text).status)
    except ValidationError:
        return None


def _seen(status: ExperimentStatus | None) -> ExperimentStatus | None:
    """Return the status, or None for the default that the API server gives to an object that nobody has seen."""
    return None if status is None or status.observed_generation < 0 else status


def status_json(status: ExperimentStatus) -> dict[str, Any]:
    """Return the status as written; fields that are absent are removed by server-side apply."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
