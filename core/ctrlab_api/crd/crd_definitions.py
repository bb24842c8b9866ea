"""The CustomResourceDefinitions of both resources: names, columns, status subresource and the schema of the models."""

from dataclasses import dataclass
from typing import Any

from ctrlab_api.crd.freezing_rules import RaisableField, freezing_rules
from ctrlab_api.crd.structural_schemas import Schema, structural_schema
from ctrlab_api.names import GROUP, VERSION
from ctrlab_api.resources.ablation import Ablation, AblationSpec
from ctrlab_api.resources.experiment import Experiment, ExperimentSpec, Metadata
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_api.schema_types import ApiModel


@dataclass(frozen=True)
class ResourceKind:
    """The properties of a CRD that are not in its schema."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    model: type[Experiment] | type[Ablation]
    spec: type[ApiModel]
    changeable: frozenset[str]
    """Fields of the spec that may change after the plan is frozen."""
    raisable: tuple[RaisableField, ...]
    """Numbers of the spec that may be raised after the plan is frozen."""
    selectable: tuple[str, ...]
    """Fields that `kubectl get --field-selector` supports."""
    columns: tuple[tuple[str, str], ...] = ()
    """Names and paths of columns that `kubectl get` shows before the common ones."""

    @property
    def name(self) -> str:
        """The name of the CRD object."""
        return f"{self.plural}.{GROUP}"


KINDS = (
    ResourceKind(
        kind="CTRExperiment",
        plural="ctrexperiments",
        singular="ctrexperiment",
        short_names=("ctrexp",),
        model=Experiment,
        spec=ExperimentSpec,
        changeable=frozenset({"runtime", "storage", "suspend", "tuning.workers", "evaluation.seeds.max"}),
        raisable=(
            RaisableField(
                "tuning.trials",
                "!has(oldSelf.status.models) || !oldSelf.status.models.exists(m, has(m.searchDigest) && "
                "has(m.trialsDone) && m.trialsDone > 0)",
                "until a study is frozen",
            ),
        ),
        selectable=(".status.stage",),
    ),
    ResourceKind(
        kind="Ablation",
        plural="ablations",
        singular="ablation",
        short_names=("abl",),
        model=Ablation,
        spec=AblationSpec,
        changeable=frozenset({"runtime", "suspend"}),
        raisable=(),
        selectable=(".spec.experimentRef.name", ".status.stage"),
        columns=(("Experiment", ".spec.experimentRef.name"), ("Model", ".spec.model")),
    ),
)
"""Both resources."""

COLUMNS = (
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Reason", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].reason'},
    {"name": "Stage", "type": "string", "jsonPath": ".status.stage"},
    {"name": "Trials", "type": "string", "jsonPath": ".status.trials"},
    {"name": "Seeds", "type": "string", "jsonPath": ".status.seeds"},
    {"name": "Valid-Best", "type": "string", "jsonPath": ".status.best"},
    {"name": "Verdict", "type": "string", "jsonPath": ".status.report.verdict"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Report", "type": "string", "jsonPath": ".status.report.page", "priority": 1},
    {"name": "Queue", "type": "string", "jsonPath": ".spec.runtime.queueName", "priority": 1},
)
"""Columns of `kubectl get`; those of priority 1 are shown only with -o wide."""

UNSEEN_STATUS = {"observedGeneration": -1}
"""Default of the status: without it, tools that follow kstatus would call an object current before it was seen."""


def crd_definition(kind: ResourceKind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name, "labels": {"app.kubernetes.io/part-of": "ctrlab"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": ["ctrlab"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": root_schema(kind)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        *({"name": name, "type": "string", "jsonPath": path} for name, path in kind.columns),
                        *(dict(column) for column in COLUMNS),
                    ],
                    "selectableFields": [{"jsonPath": path} for path in kind.selectable],
                }
            ],
        },
    }


def root_schema(kind: ResourceKind) -> Schema:
    """Return the schema of the object; metadata can restrict only the name, and no field of status has a default."""
    described = {name: field.description for name, field in kind.model.model_fields.items()}
    metadata = structural_schema(Metadata)["properties"]["name"]
    status = structural_schema(ExperimentStatus, defaults=False)
    return {
        "type": "object",
        "description": structural_schema(kind.model)["description"],
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": described["api_version"]},
            "kind": {"type": "string", "description": described["kind"]},
            "metadata": {"type": "object", "properties": {"name": metadata}},
            "spec": structural_schema(kind.spec) | {"description": described["spec"]},
            "status": status | {"description": described["status"], "default": dict(UNSEEN_STATUS)},
        },
        **freezing_rules(kind.spec, kind.kind, kind.changeable, kind.raisable),
    }
