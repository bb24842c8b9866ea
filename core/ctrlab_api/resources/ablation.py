"""The resource `Ablation`: how much the parts of one model of an experiment contribute."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.resources.experiment import Metadata
from ctrlab_api.resources.features import MAX_FEATURES, Feature
from ctrlab_api.resources.runtime import RuntimeOverrides
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    MAX_FIRST_SEED,
    ApiModel,
    ColumnName,
    Distinct,
    FrozenList,
    ResourceName,
    Scalar,
    VariantName,
    first_duplicate,
    list_map_schema,
)

Columns = Annotated[FrozenList[ColumnName], Field(min_length=1, max_length=MAX_FEATURES), Distinct]
"""Names of features."""


class ExperimentReference(ApiModel):
    """A CTRExperiment in the same namespace."""

    name: ResourceName
    """The experiment's metadata.name."""


@cel_rules(
    (
        "has(self.remove) || has(self.set) || has(self.dropFeatures) || has(self.addFeatures)",
        "a variant must change something: give remove, set, dropFeatures or addFeatures",
    )
)
class AblationVariant(ApiModel):
    """The full model with one change."""

    name: VariantName
    """Name of the variant in tables; unique."""
    remove: Annotated[FrozenList[VariantName], Field(min_length=1, max_length=16), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Removed parts, as the architecture declares them."""
    set: dict[str, Scalar] | None = Field(default=None, min_length=1, max_length=32)
    """Parameters with new values."""
    drop_features: Columns | None = Field(default=None, json_schema_extra=LIST_SET_SCHEMA)
    """Features that are not inputs of the variant."""
    add_features: FrozenList[Feature] | None = Field(
        default=None, min_length=1, max_length=8, json_schema_extra=list_map_schema("name")
    )
    """Added features of the source, declared as in spec.dataset.features of the experiment."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        duplicate = first_duplicate([feature.name for feature in self.add_features or ()])
        if duplicate is not None:
            raise ValueError(f"addFeatures: the name {duplicate!r} is given twice")
        if not (self.remove or self.set or self.drop_features or self.add_features):
            raise ValueError("a variant must change something: give remove, set, dropFeatures or addFeatures")
        return self


@cel_rules(
    ("(self.from == 'Explicit') == has(self.count)", "count belongs to from: Explicit, and is required there"),
    ("!has(self.base) || self.from == 'Explicit'", "base belongs to from: Explicit"),
)
class VariantSeeds(ApiModel):
    """Seeds of the variants: those of the experiment, or an explicit count and base."""

    from_: Literal["Inherit", "Explicit"] = Field(default="Inherit", alias="from")
    """Inherit: the experiment's seeds, so that its runs of the full model are reused. Explicit: count and base."""
    count: int | None = Field(default=None, ge=5, le=1000)
    """Number of seeds, at least 5."""
    base: int | None = Field(default=None, ge=0, le=MAX_FIRST_SEED)
    """The first seed (default: the experiment's)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.from_ == "Explicit") != (self.count is not None):
            raise ValueError("count belongs to from: Explicit, and is required there")
        if self.base is not None and self.from_ != "Explicit":
            raise ValueError("base belongs to from: Explicit")
        return self


@cel_rules(("self.variants.all(v, v.name != self.model)", "a variant cannot have the name of the full model"))
class AblationSpec(ApiModel):
    """Specification of an ablation: the model, its changes, and how they are trained."""

    experiment_ref: ExperimentReference
    """The experiment; the ablation waits for it to be created and to succeed."""
    model: VariantName
    """The full model: the name of a model of the experiment."""
    variants: FrozenList[AblationVariant] = Field(
        min_length=1, max_length=32, json_schema_extra=list_map_schema("name")
    )
    """The variants; each is trained separately and compared with the full model."""
    hyperparameters: Literal["Inherit", "Retune"] = "Inherit"
    """Inherit: the full model's tuned values. Retune: a separate study for each variant, with the same budget."""
    seeds: VariantSeeds = VariantSeeds()
    """Seeds of the variants."""
    factorial: bool = False
    """Whether all combinations of the removed parts are trained (up to 2^5), for main effects and interactions."""
    runtime: RuntimeOverrides | None = None
    """Overrides of the experiment's runtime."""
    suspend: bool = False
    """Whether work is suspended; finished work is kept, and false resumes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [variant.name for variant in self.variants]
        duplicate = first_duplicate(names)
        if duplicate is not None:
            raise ValueError(f"variants: the name {duplicate!r} is given twice")
        if self.model in names:
            raise ValueError(f"variants: a variant cannot have the name of the full model, {self.model!r}")
        parts = {part for variant in self.variants for part in variant.remove or ()}
        if self.factorial and not 2 <= len(parts) <= 5:
            raise ValueError(
                f"factorial: the variants must remove 2 to 5 different parts, of which all combinations are trained, "
                f"not {len(parts)}"
            )
        return self


class Ablation(ApiModel):
    """An ablation of one model of a CTRExperiment: variants with one change each, compared with the full model."""

    api_version: Literal["ctrlab.dev/v1alpha1"] = "ctrlab.dev/v1alpha1"
    """Version of the API."""
    kind: Literal["Ablation"] = "Ablation"
    """Ablation."""
    metadata: Metadata
    """Standard metadata of a Kubernetes object."""
    spec: AblationSpec
    """Desired ablation."""
    status: ExperimentStatus | None = None
    """Observed state, written by the control loop."""
