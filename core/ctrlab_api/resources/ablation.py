"""The resource `Ablation`: which parts of one model of an experiment earn their place."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.resources.experiment import Metadata
from ctrlab_api.resources.features import MAX_FEATURES, Feature
from ctrlab_api.resources.runtime import RuntimeOverrides
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    ColumnName,
    Distinct,
    ResourceName,
    Scalar,
    VariantName,
    first_duplicate,
    list_map_schema,
)

Columns = Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=MAX_FEATURES), Distinct]
"""Names of features."""


class ExperimentReference(ApiModel):
    """A CTRExperiment in the same namespace."""

    name: ResourceName
    """Its metadata.name."""


@cel_rules(
    (
        "has(self.remove) || has(self.set) || has(self.dropFeatures) || has(self.addFeatures)",
        "a variant changes something: give remove, set, dropFeatures or addFeatures",
    )
)
class AblationVariant(ApiModel):
    """The full model with one change."""

    name: VariantName
    """As it is printed in tables; unique."""
    remove: Annotated[tuple[VariantName, ...], Field(min_length=1, max_length=16), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Parts that the architecture declares."""
    set: dict[str, Scalar] | None = Field(default=None, min_length=1, max_length=32)
    """Parameters with another value."""
    drop_features: Columns | None = Field(default=None, json_schema_extra=LIST_SET_SCHEMA)
    """Features that the variant does not see."""
    add_features: tuple[Feature, ...] | None = Field(
        default=None, min_length=1, max_length=8, json_schema_extra=list_map_schema("name")
    )
    """Features of the source that the experiment's data set does not have, declared as there."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        twice = first_duplicate([feature.name for feature in self.add_features or ()])
        if twice is not None:
            raise ValueError(f"addFeatures: the name {twice!r} is given twice")
        if not (self.remove or self.set or self.drop_features or self.add_features):
            raise ValueError("a variant changes something: give remove, set, dropFeatures or addFeatures")
        return self


@cel_rules(
    ("(self.from == 'Explicit') == has(self.count)", "count belongs to from: Explicit, and is required there"),
    ("!has(self.base) || self.from == 'Explicit'", "base belongs to from: Explicit"),
)
class VariantSeeds(ApiModel):
    """Seeds of the variants: those of the experiment, or a count and base of their own."""

    from_: Literal["Inherit", "Explicit"] = Field(default="Inherit", alias="from")
    """Inherit: the experiment's seeds, which lets its runs of the full model be used. Explicit: count and base."""
    count: int | None = Field(default=None, ge=5, le=1000)
    """How many seeds, at least 5."""
    base: int | None = Field(default=None, ge=0, le=2**31 - 2000)
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
    """Which model, which changes, and how they are trained."""

    experiment_ref: ExperimentReference
    """The experiment; it may be created later than the ablation, which waits for it."""
    model: VariantName
    """The full model: the name of a model of the experiment."""
    variants: tuple[AblationVariant, ...] = Field(
        min_length=1, max_length=32, json_schema_extra=list_map_schema("name")
    )
    """The changes; each is trained by itself and compared with the full model."""
    hyperparameters: Literal["Inherit", "Retune"] = "Inherit"
    """Inherit: the full model's tuned values. Retune: a search of its own for each variant, with the same budget."""
    seeds: VariantSeeds = VariantSeeds()
    """Which seeds the variants are trained with."""
    factorial: bool = False
    """Whether all subsets of the listed removals are run (up to 2^5), for main effects and interactions."""
    runtime: RuntimeOverrides | None = None
    """What differs from the experiment's runtime."""
    suspend: bool = False
    """Stops work and keeps what is finished; false resumes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [variant.name for variant in self.variants]
        twice = first_duplicate(names)
        if twice is not None:
            raise ValueError(f"variants: the name {twice!r} is given twice")
        if self.model in names:
            raise ValueError(f"variants: a variant cannot have the name of the full model, {self.model!r}")
        parts = {part for variant in self.variants for part in variant.remove or ()}
        if self.factorial and not 2 <= len(parts) <= 5:
            raise ValueError(
                f"factorial: the variants must remove 2 to 5 different parts, which are then removed in all "
                f"combinations, not {len(parts)}"
            )
        return self


class Ablation(ApiModel):
    """Which parts of one model of a CTRExperiment earn their place: variants with one change each, compared with it."""

    api_version: Literal["ctrlab.dev/v1alpha1"] = "ctrlab.dev/v1alpha1"
    """Which version of the API the object is written in."""
    kind: Literal["Ablation"] = "Ablation"
    """Ablation."""
    metadata: Metadata
    """The name; Kubernetes' other fields are left alone."""
    spec: AblationSpec
    """What the user asks for."""
    status: ExperimentStatus | None = None
    """What the control loop reports."""
