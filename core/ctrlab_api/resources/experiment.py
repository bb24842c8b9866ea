"""The resource `CTRExperiment`: a whole experiment in one YAML file. The CRD is generated from these models."""

from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.metrics import WITHIN_METRICS
from ctrlab_api.names import LOCAL_NAMESPACE, RETRY_ANNOTATION
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.runtime import Runtime, Storage
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_api.schema_types import (
    ApiModel,
    FrozenList,
    ResourceName,
    Scalar,
    VariantName,
    described_pattern,
    first_duplicate,
    list_map_schema,
)

ParameterName = str

MAX_MODELS: Final = 20
"""Maximum number of models of an experiment."""


class Metadata(ApiModel):
    """The fields of Kubernetes' ObjectMeta that ctrlab reads; all others are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    name: ResourceName
    """Name of the resource, used for its child objects and folders; at most 52 characters."""
    namespace: ResourceName = LOCAL_NAMESPACE
    """Kubernetes namespace; on one machine only part of the folder's name."""
    uid: str | None = None
    """Unique id, set by the API server."""
    generation: int = 1
    """Number of the spec's version, set by the API server."""
    source_folder: str | None = None
    """Folder of the experiment's file on one machine, to which the paths of its sources are relative; not part of the
    plan."""
    annotations: dict[str, Any] | None = None
    """Annotations, of which ctrlab reads ctrlab.dev/retry."""

    def retry_request(self, status: ExperimentStatus | None) -> str | None:
        """Return the value of the annotation ctrlab.dev/retry, unless the status says that it was acted on."""
        token = (self.annotations or {}).get(RETRY_ANNOTATION)
        return None if token in (None, "") or (status is not None and status.retry == str(token)) else str(token)


@cel_rules(
    (
        "!has(self.search) || !has(self.parameters) || self.search.all(p, !(p in self.parameters))",
        "a parameter is either fixed in parameters or tuned in search, not both",
    ),
    (
        "!has(self.constraints) || has(self.search) || has(self.searchSpace)",
        "constraints need a search or searchSpace: Default",
    ),
)
class Model(ApiModel):
    """One compared model: an architecture with fixed and tuned parameters."""

    name: VariantName
    """Name of the model in tables; unique."""
    architecture: str = Field(
        pattern=described_pattern(
            r"^[a-z][a-z0-9_]*$", "the name of an architecture, such as deepfm; `ctrlab architectures` lists them"
        ),
        max_length=40,
    )
    """Architecture, such as lr, fm, deepfm, xdeepfm, din, bst or sin (`ctrlab architectures` lists all), or one that
    your trainer image registers."""
    parameters: dict[ParameterName, Scalar] | None = Field(default=None, max_length=64)
    """Fixed parameters; a parameter that is neither here nor in search keeps the architecture's default."""
    search: dict[ParameterName, SearchDimension] | None = Field(default=None, min_length=1, max_length=30)
    """Tuned parameters; a model without search is trained with its fixed parameters and runs no trials."""
    search_space: Literal["Default"] | None = None
    """Default: the architecture's default search space, without fixed parameters; dimensions in search override it."""
    constraints: Constraints | None = None
    """Combinations of values that trials must not use."""

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        both = sorted(set(self.parameters or ()) & set(self.search or ()))
        if both:
            raise ValueError(f"the parameter {both[0]!r} is either fixed in parameters or tuned in search, not both")
        if self.constraints is not None and self.search is None and self.search_space is None:
            raise ValueError("constraints need a search or searchSpace: Default")
        return self


@cel_rules(
    (
        "!has(self.analysis.reference) || self.models.exists(m, m.name == self.analysis.reference)",
        "analysis.reference must be the name of a model",
    ),
    (
        "!('gauc' in self.analysis.metrics) || has(self.dataset.user)",
        "the metric gauc needs dataset.user",
    ),
    (
        "!('auc_by_group' in self.analysis.metrics) || has(self.dataset.group)",
        "the metric auc_by_group needs dataset.group",
    ),
    (
        "self.tuning.sampler != 'Grid' || self.models.all(m, !has(m.search) || "
        "m.search.all(p, !has(m.search[p].float) || has(m.search[p].float.step)))",
        "the Grid sampler needs a step or categorical values for every tuned parameter",
    ),
    (
        "!has(self.tuning.repeats) || self.evaluation.seeds.count % self.tuning.repeats == 0",
        "evaluation.seeds.count must be a multiple of tuning.repeats",
    ),
    (
        "!has(self.tuning.repeats) || self.tuning.repeats == 1 || !has(self.evaluation.precision)",
        "evaluation.precision extends seeds, not studies: it cannot be combined with tuning.repeats",
    ),
)
class ExperimentSpec(ApiModel):
    """Specification of an experiment: data, models, budget and analysis."""

    dataset: Dataset
    """The rows, their meaning and their split."""
    models: FrozenList[Model] = Field(min_length=1, max_length=MAX_MODELS, json_schema_extra=list_map_schema("name"))
    """The compared models; the first is the reference unless analysis.reference names another."""
    tuning: Tuning = Tuning()
    evaluation: Evaluation = Evaluation()
    analysis: Analysis = Analysis()
    runtime: Runtime = Runtime()
    storage: Storage = Storage()
    suspend: bool = False
    """Whether work is suspended; finished work is kept, and false resumes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [model.name for model in self.models]
        duplicate = first_duplicate(names)
        if duplicate is not None:
            raise ValueError(f"models: the name {duplicate!r} is given twice")
        if self.analysis.reference is not None and self.analysis.reference not in names:
            raise ValueError(
                f"analysis.reference: no model is named {self.analysis.reference!r}; known: {', '.join(names)}"
            )
        for metric, field in WITHIN_METRICS.items():
            if metric in self.analysis.metrics and getattr(self.dataset, field) is None:
                raise ValueError(f"analysis.metrics: {metric} needs dataset.{field}")
        if self.tuning.sampler == "Grid":
            for index, model in enumerate(self.models):
                for parameter, dimension in (model.search or {}).items():
                    if dimension.cardinality() is None:
                        raise ValueError(
                            f"models[{index}].search.{parameter}: the Grid sampler needs a step or categorical values"
                        )
        self._check_repeats()
        return self

    def _check_repeats(self) -> None:
        repeats, seeds = self.tuning.study_count, self.evaluation.seeds.count
        if seeds % repeats:
            raise ValueError(f"evaluation.seeds.count must be a multiple of tuning.repeats {repeats}, not {seeds}")
        if repeats > 1 and self.evaluation.precision is not None:
            raise ValueError(
                "evaluation.precision extends seeds, not studies: it cannot be combined with tuning.repeats"
            )

    @property
    def reference(self) -> str:
        """The model that the others are compared with."""
        return self.analysis.reference or self.models[0].name


class Experiment(ApiModel):
    """A comparison of CTR models, from tuning on validation data to a report on test data over several seeds."""

    api_version: Literal["ctrlab.dev/v1alpha1"] = "ctrlab.dev/v1alpha1"
    """Version of the API."""
    kind: Literal["CTRExperiment"] = "CTRExperiment"
    """CTRExperiment."""
    metadata: Metadata
    """Standard metadata of a Kubernetes object."""
    spec: ExperimentSpec
    """Desired experiment."""
    status: ExperimentStatus | None = None
    """Observed state, written by the control loop."""
