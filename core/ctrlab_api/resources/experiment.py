"""The resource `CTRExperiment`: one YAML file, from data set to report. The CRD is generated from these models."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.names import LOCAL_NAMESPACE
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.runtime import Runtime, Storage
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_api.schema_types import (
    ApiModel,
    ResourceName,
    Scalar,
    VariantName,
    first_duplicate,
    list_map_schema,
)

ParameterName = str


class Metadata(ApiModel):
    """The part of Kubernetes' ObjectMeta that ctrlab reads; the rest is accepted and left alone."""

    model_config = ConfigDict(extra="ignore")

    name: ResourceName
    """Names the resource's children and its folders; at most 52 characters."""
    namespace: ResourceName = LOCAL_NAMESPACE
    """Kubernetes' namespace; on one machine only part of the folder's name."""
    uid: str | None = None
    """Set by the API server."""
    generation: int = 1
    """Set by the API server: counts changes of the spec."""


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
    """One model that takes part: an architecture, what is fixed and what is tuned."""

    name: VariantName
    """As it is printed in tables; unique."""
    architecture: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    """lr, fm, deepfm, xdeepfm, din, bst, sin, or one that your own trainer image registers."""
    parameters: dict[ParameterName, Scalar] | None = Field(default=None, max_length=64)
    """Fixed parameters; what is neither here nor in search keeps the architecture's default."""
    search: dict[ParameterName, SearchDimension] | None = Field(default=None, min_length=1, max_length=30)
    """Tuned parameters; a model without search is trained with its fixed parameters and spends no trials."""
    search_space: Literal["Default"] | None = None
    """Default: the architecture's own search space without what is fixed, and with what search says otherwise."""
    constraints: Constraints | None = None
    """Points of the search space that no trial may have."""

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
        "evaluation.precision extends seeds, not searches: it cannot be combined with tuning.repeats",
    ),
)
class ExperimentSpec(ApiModel):
    """What is compared, on what, with which budget, and what is concluded."""

    dataset: Dataset
    """The rows, their meaning and their split."""
    models: tuple[Model, ...] = Field(min_length=1, max_length=20, json_schema_extra=list_map_schema("name"))
    """The models; the first is the reference unless analysis.reference says otherwise."""
    tuning: Tuning = Tuning()
    evaluation: Evaluation = Evaluation()
    analysis: Analysis = Analysis()
    runtime: Runtime = Runtime()
    storage: Storage = Storage()
    suspend: bool = False
    """Stops work and keeps what is finished; false resumes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [model.name for model in self.models]
        twice = first_duplicate(names)
        if twice is not None:
            raise ValueError(f"models: the name {twice!r} is given twice")
        if self.analysis.reference is not None and self.analysis.reference not in names:
            raise ValueError(
                f"analysis.reference: no model is named {self.analysis.reference!r}; known: {', '.join(names)}"
            )
        if "gauc" in self.analysis.metrics and self.dataset.user is None:
            raise ValueError("analysis.metrics: gauc needs dataset.user")
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
                "evaluation.precision extends seeds, not searches: it cannot be combined with tuning.repeats"
            )

    @property
    def reference(self) -> str:
        """The model that the others are compared with."""
        return self.analysis.reference or self.models[0].name


class Experiment(ApiModel):
    """A comparison of CTR models, from tuning on validation data to a report on test data over several seeds."""

    api_version: Literal["ctrlab.dev/v1alpha1"] = "ctrlab.dev/v1alpha1"
    """Which version of the API the object is written in."""
    kind: Literal["CTRExperiment"] = "CTRExperiment"
    """CTRExperiment."""
    metadata: Metadata
    """The name; Kubernetes' other fields are left alone."""
    spec: ExperimentSpec
    """What the user asks for."""
    status: ExperimentStatus | None = None
    """What the control loop reports."""
