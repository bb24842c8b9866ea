"""The smallest experiment, an ablation of it, and plans, each with the changes that a test needs.

A keyword is a field of `spec` with its API name and replaces its default; a double underscore leads to an inner field:
`make_experiment(tuning__trials=6)`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from builders.field_changes import with_changes
from ctrlab_api.plan import ParentExperiment, Plan, Variant
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus

Manifest = dict[str, Any]


def dataset_spec(**changes: Any) -> Manifest:
    """Return a data set of generated clicks with one feature."""
    return _with_fields(
        {
            "source": {"uri": "builtin://synthetic"},
            "label": {"column": "click"},
            "features": categorical("item_id"),
            "split": {"strategy": "Random"},
        },
        changes,
    )


def synthetic_source(rows: int, users: int, items: int) -> Manifest:
    """Return generated clicks of this size as a source."""
    options = {"rows": rows, "users": users, "items": items}
    return {"uri": "builtin://synthetic", "options": {name: str(value) for name, value in options.items()}}


def csv_source(uri: str = "file:///none.csv", **fields: Any) -> Manifest:
    """Return a CSV file as a source."""
    return {"uri": uri, "format": "csv", **fields}


def categorical(*names: str) -> list[Manifest]:
    """Return categorical features with these names."""
    return [{"name": name, "type": "Categorical"} for name in names]


def model_spec(name: str, architecture: str | None = None, **fields: Any) -> Manifest:
    """Return a model; its architecture is the name in lower case unless given."""
    return {"name": name, "architecture": architecture or name.lower(), **fields}


LEARNING_RATES: Final[Manifest] = {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}
"""A search space of two points."""
FM: Final[Manifest] = model_spec("FM", search=LEARNING_RATES)
"""A model that is tuned."""
LR: Final[Manifest] = model_spec("LR")
"""A model that is not tuned."""


def experiment_spec(**changes: Any) -> Manifest:
    """Return the spec of an experiment with one model that is not tuned."""
    return _with_fields({"dataset": dataset_spec(), "models": [LR]}, changes)


def small_spec(**changes: Any) -> Manifest:
    """Return the spec of an experiment that compares a tuned FM with an LR that is not tuned."""
    default = {
        "models": [FM, LR],
        "tuning": {"trials": 8, "workers": 2, "sampler": "Random"},
        "evaluation": {"seeds": {"count": 5}},
    }
    return _with_fields(experiment_spec(**default), changes)


def experiment_manifest(name: str = "study", *, metadata: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return an experiment as a user writes it."""
    return _manifest("CTRExperiment", {"name": name, **(metadata or {})}, experiment_spec(**spec))


def make_experiment(
    name: str = "study",
    *,
    metadata: Mapping[str, Any] | None = None,
    status: ExperimentStatus | None = None,
    **spec: Any,
) -> Experiment:
    """Return a parsed experiment."""
    text = json.dumps(experiment_manifest(name, metadata=metadata, **spec))
    return Experiment.model_validate_json(text).model_copy(update={"status": status})


def make_small_experiment(name: str = "study", **arguments: Any) -> Experiment:
    """Return a parsed experiment with `small_spec`; takes the arguments of `make_experiment`."""
    return make_experiment(name, **{**small_spec(), **arguments})


def ablation_manifest(name: str = "parts", *, metadata: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return an ablation of the model FM of the experiment `study` that removes its linear part."""
    default = {
        "experimentRef": {"name": "study"},
        "model": "FM",
        "variants": [{"name": "no-linear", "remove": ["linear"]}],
    }
    return _manifest("Ablation", {"name": name, **(metadata or {})}, _with_fields(default, spec))


def make_ablation(
    name: str = "parts",
    *,
    metadata: Mapping[str, Any] | None = None,
    status: ExperimentStatus | None = None,
    **spec: Any,
) -> Ablation:
    """Return a parsed ablation."""
    text = json.dumps(ablation_manifest(name, metadata=metadata, **spec))
    return Ablation.model_validate_json(text).model_copy(update={"status": status})


def make_dataset(**changes: Any) -> Dataset:
    """Return a parsed data set."""
    return Dataset.model_validate_json(json.dumps(dataset_spec(**changes)))


def make_variant(name: str, architecture: str | None = None, **fields: Any) -> Variant:
    """Return a variant of a plan."""
    return Variant.model_validate(model_spec(name, architecture, **fields), strict=False)


def make_plan(*variants: Variant, parent: ParentExperiment | None = None, **spec: Any) -> Plan:
    """Return the plan of an experiment; `variants`, if any, replace its models."""
    if variants:
        spec["models"] = [model_spec(variant.name, "lr") for variant in variants]
    plan = Plan.from_experiment(make_experiment(**spec))
    return plan.model_copy(update={"variants": variants or plan.variants, "parent": parent})


def _manifest(kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "ctrlab.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _with_fields(default: Manifest, changes: Manifest) -> Manifest:
    return with_changes(default, {path.replace("__", "."): value for path, value in changes.items()})
