"""What an ablation's variant differs in from its full model, found by building both and not by reading the request."""

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
    searches: dict[str, StudyRecord],
    variant: Variant,
    config: Architecture,
    schema: EncodedSchema,
    search: int = 0,
) -> VariantChange | None:
    """The variant (with its resolved `config`) against the full model; None outside of ablations and for itself.

    `search`: which of the full model's repeated searches the run uses.
    Both models are assembled without memory for their weights, so that a large table costs nothing.
    """
    if plan.parent is None or variant.name == plan.parent.model:
        return None
    full = plan.variant(plan.parent.model)
    full_config = resolve_config(full, searches[full.name].choice(search).parameters)
    with torch.device("meta"):
        before, after = _shapes(assemble(full, full_config, schema)), _shapes(assemble(variant, config, schema))
    return VariantChange(
        full_model=full.name,
        removed_parts=tuple(part for part in variant.remove if part not in full.remove),
        dropped_features=tuple(name for name in variant.drop_features if name not in full.drop_features),
        added_features=variant.add_features or (),
        config=_changed(full_config.model_dump(mode="json"), config.model_dump(mode="json")),
        parameters_full=sum(shape.numel() for shape in before.values()),
        parameters_variant=sum(shape.numel() for shape in after.values()),
        gone=tuple(sorted(before.keys() - after.keys())),
        added=tuple(sorted(after.keys() - before.keys())),
        reshaped=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
    )


def _changed(full: dict[str, Any], variant: dict[str, Any]) -> dict[str, ChangedValue]:
    names = sorted(full.keys() | variant.keys())
    return {
        name: ChangedValue(full=full.get(name), variant=variant.get(name))
        for name in names
        if full.get(name) != variant.get(name)
    }


def _shapes(model: nn.Module) -> Shapes:
    return {name: parameter.shape for name, parameter in model.named_parameters()}
