"""The resource `Ablation`: which parts of one model of an experiment earn their place."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ctrlab_contract.base import ColumnName, ContractModel, ResourceName, Scalar, VariantName
from ctrlab_contract.cel import rules
from ctrlab_contract.experiment import Metadata
from ctrlab_contract.runtime import Runtime
from ctrlab_contract.status import ExperimentStatus


class ExperimentReference(ContractModel):
    """A CTRExperiment in the same namespace."""

    name: ResourceName


@rules(
    (
        "has(self.remove) || has(self.set) || has(self.dropFeatures) || has(self.addFeatures)",
        "a variant changes something: give remove, set, dropFeatures or addFeatures",
    )
)
class AblationVariant(ContractModel):
    """The full model with one change."""

    name: VariantName
    remove: tuple[VariantName, ...] | None = Field(default=None, min_length=1, max_length=16)
    """Parts that the architecture declares."""
    set: dict[str, Scalar] | None = Field(default=None, min_length=1, max_length=32)
    """Parameters with another value."""
    drop_features: tuple[ColumnName, ...] | None = Field(default=None, min_length=1, max_length=512)
    """Features that the variant does not see."""
    add_features: tuple[ColumnName, ...] | None = Field(default=None, min_length=1, max_length=512)
    """Features of the data set that the full model does not see."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.remove or self.set or self.drop_features or self.add_features):
            raise ValueError("a variant changes something: give remove, set, dropFeatures or addFeatures")
        return self


@rules(
    ("(self.from == 'Explicit') == has(self.count)", "count belongs to from: Explicit"),
    ("!has(self.base) || self.from == 'Explicit'", "base belongs to from: Explicit"),
)
class VariantSeeds(ContractModel):
    """Seeds of the variants: those of the experiment, or a count and base of their own."""

    from_: Literal["Inherit", "Explicit"] = Field(default="Inherit", alias="from")
    count: int | None = Field(default=None, ge=5, le=1000)
    base: int | None = Field(default=None, ge=0, le=2**31 - 2000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.from_ == "Explicit") != (self.count is not None):
            raise ValueError("count belongs to from: Explicit, and is required there")
        if self.base is not None and self.from_ != "Explicit":
            raise ValueError("base belongs to from: Explicit")
        return self


class AblationSpec(ContractModel):
    """Which model, which changes, and how they are trained."""

    experiment_ref: ExperimentReference
    model: VariantName
    """The full model: the name of a model of the experiment."""
    variants: tuple[AblationVariant, ...] = Field(
        min_length=1,
        max_length=32,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    hyperparameters: Literal["Inherit", "Retune"] = "Inherit"
    """Inherit: the full model's tuned values. Retune: a search of its own for each variant, with the same budget."""
    seeds: VariantSeeds = VariantSeeds()
    factorial: bool = False
    """Whether all subsets of the listed removals are run (up to 2^5), for main effects and interactions."""
    runtime: Runtime | None = None
    """Overrides of the experiment's runtime."""
    suspend: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [variant.name for variant in self.variants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"variants: the name {twice[0]!r} is given twice")
        if self.model in names:
            raise ValueError(f"variants: {self.model!r} is the name of the full model")
        if self.factorial and len({part for variant in self.variants for part in variant.remove or ()}) > 5:
            raise ValueError("factorial: at most 5 different parts can be removed in all combinations")
        return self


class Ablation(ContractModel):
    """An `Ablation` manifest."""

    api_version: Literal["ctrlab.dev/v1alpha1"] = "ctrlab.dev/v1alpha1"
    kind: Literal["Ablation"] = "Ablation"
    metadata: Metadata
    spec: AblationSpec
    status: ExperimentStatus | None = None
