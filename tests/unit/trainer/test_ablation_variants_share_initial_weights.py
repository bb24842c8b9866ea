"""Parameters that an ablation does not change have bit-equal initial weights, and the record lists the others."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from builders import make_plan, make_study_record

from ctrlab_api.plan import ParentExperiment, Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.finals.variant_changes import variant_change
from ctrlab_trainer.models import build
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MakeVariant = Callable[..., Variant]

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "without CIN": ("sin", {"remove": ("cin",)}),
    "without BST": ("sin", {"remove": ("bst",)}),
    "concatenation": ("sin", {"parameters": {"fusion": "concat"}}),
    "gate": ("sin", {"parameters": {"fusion": "gate"}}),
    "sum": ("sin", {"parameters": {"fusion": "sum"}}),
    "without position": ("sin", {"remove": ("position",)}),
    "without target": ("sin", {"remove": ("target",)}),
    "without history": ("sin", {"drop_features": ("seen",)}),
    "without user": ("sin", {"drop_features": ("user",)}),
    "without numbers and genres": ("deepfm", {"drop_features": ("age", "genres")}),
    "mean instead of attention": ("din", {"remove": ("attention",)}),
    "DeepFM without DNN": ("deepfm", {"remove": ("dnn",)}),
    "xDeepFM without CIN": ("xdeepfm", {"remove": ("cin",)}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_unchanged_parameters_start_bit_equal_and_the_record_lists_the_others(
    case: str, schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    architecture, change = CHANGES[case]
    full = small_variant(architecture)
    parameters = {**full.parameters, **change.get("parameters", {})}
    variant = full.model_copy(update={**change, "name": "changed", "parameters": parameters})
    before, after = (
        dict(build(model, resolve_config(model, {}), schema, PurposeSeeds.from_root(7)).named_parameters())
        for model in (full, variant)
    )
    unchanged = {name for name in before.keys() & after.keys() if before[name].shape == after[name].shape}
    assert unchanged
    for name in unchanged:
        assert torch.equal(before[name], after[name]), name

    parent = ParentExperiment(
        experiment="a/b/c", plan_digest="p", search_token="s", model=full.name, hyperparameters="Inherit"
    )
    plan = make_plan(full, variant, parent=parent)
    studies = {name: make_study_record(name) for name in plan.names}
    record = variant_change(plan, studies, variant, resolve_config(variant, {}), schema)
    assert record is not None
    assert set(record.gone) == before.keys() - after.keys()
    assert set(record.added) == after.keys() - before.keys()
    assert set(record.reshaped) == (before.keys() & after.keys()) - unchanged
    assert record.parameters_full == sum(parameter.numel() for parameter in before.values())
    assert record.parameters_variant == sum(parameter.numel() for parameter in after.values())
    variant_schema = schema.without(variant.drop_features)
    for table in (name for name in before.keys() & after.keys() if name.endswith("table.weight")):
        assert len(after[table]) == variant_schema.embedding_rows, "dropped features have no rows"
        for feature, rows in variant_schema.blocks.items():
            full_rows = schema.blocks[feature]
            block = after[table][rows.start : rows.stop]
            assert torch.equal(block, before[table][full_rows.start : full_rows.stop]), (table, feature)
            assert not table.startswith("embedding") or block.any()
    assert record.removed_parts == variant.remove
    assert record.dropped_features == variant.drop_features
    assert record.config.keys() == change.get("parameters", {}).keys()
    assert variant_change(plan, studies, full, resolve_config(full, {}), schema) is None
