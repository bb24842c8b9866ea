"""The difference between a variant of an ablation and the full model, computed by building both models."""

from typing import Any

import torch
from torch import nn

from ctrlab_api.architectures import Architecture
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import StudyRecord
from ctrlab_api.records.ablation_changes import ChangedValue, VariantChange
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.models import assemble
from ctrlab_trainer.training.variant_config import resolve_config

Shapes = dict[str, torch.Size]


def variant_change(
    plan: Plan,
    studies: dict[str, StudyRecord],
    variant: Variant,
    config: Architecture,
    schema: EncodedSchema,
    repeat: int = 0,
) -> VariantChange | None:
    """Compare the variant, with its resolved `config`, with the full model; None for that model and outside ablations.

    `repeat`: index of the full model's repeated study that the run uses.
    Both models are assembled without memory for their weights, so that a large table costs nothing.
    """
    if plan.parent is None or variant.name == plan.parent.model:
        return None
    full = plan.variant(plan.parent.model)
    full_config = resolve_config(full, studies[full.name].choice(repeat).parameters)
    with torch.device("meta"):
        full_shapes = _shapes(assemble(full, full_config, schema))
        variant_shapes = _shapes(assemble(variant, config, schema))
    common = full_shapes.keys() & variant_shapes.keys()
    return VariantChange(
        full_model=full.name,
        removed_parts=tuple(part for part in variant.remove if part not in full.remove),
        dropped_features=tuple(name for name in variant.drop_features if name not in full.drop_features),
        added_features=variant.add_features or (),
        config=_changed_values(full_config.model_dump(mode="json"), config.model_dump(mode="json")),
        parameters_full=sum(shape.numel() for shape in full_shapes.values()),
        parameters_variant=sum(shape.numel() for shape in variant_shapes.values()),
        gone=tuple(sorted(full_shapes.keys() - variant_shapes.keys())),
        added=tuple(sorted(variant_shapes.keys() - full_shapes.keys())),
        reshaped=tuple(sorted(name for name in common if full_shapes[name] != variant_shapes[name])),
    )


def _changed_values(full: dict[str, Any], variant: dict[str, Any]) -> dict[str, ChangedValue]:
    names = sorted(full.keys() | variant.keys())
    return {
        name: ChangedValue(full=full.get(name), variant=variant.get(name))
        for name in names
        if full.get(name) != variant.get(name)
    }


def _shapes(model: nn.Module) -> Shapes:
    return {name: parameter.shape for name, parameter in model.named_parameters()}
