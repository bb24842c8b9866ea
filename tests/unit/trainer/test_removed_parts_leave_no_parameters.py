"""A removed part leaves no parameters and changes no other initial weights."""

from collections.abc import Callable

import pytest
import torch

from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.models import MODULES, build
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MakeVariant = Callable[..., Variant]

PREFIXES: dict[tuple[str, str], tuple[str, ...]] = {
    ("fm", "linear"): ("linear.",),
    ("fm", "fm"): ("embedding.",),
    ("widedeep", "linear"): ("linear.",),
    ("widedeep", "dnn"): ("embedding.", "dnn."),
    ("deepfm", "linear"): ("linear.",),
    ("deepfm", "fm"): (),
    ("deepfm", "dnn"): ("dnn.",),
    ("xdeepfm", "linear"): ("linear.",),
    ("xdeepfm", "cin"): ("cin.",),
    ("xdeepfm", "dnn"): ("dnn.",),
    ("dcn", "cross"): ("cross.",),
    ("dcn", "dnn"): ("dnn.",),
    ("dcnv2", "cross"): ("cross.",),
    ("dcnv2", "dnn"): ("dnn.",),
    ("gdcn", "cross"): ("cross.",),
    ("gdcn", "gate"): ("cross.layers.gates.",),
    ("gdcn", "dnn"): ("dnn.",),
    ("afn", "normalisation"): ("products.norm_",),
    ("afn_plus", "afn"): ("afn.",),
    ("afn_plus", "normalisation"): ("afn.products.norm_",),
    ("afn_plus", "dnn"): ("embedding.", "dnn."),
    ("fibinet", "linear"): ("linear.",),
    ("fibinet", "senet"): ("weights.", "weighted_products."),
    ("fibinet", "bilinear"): ("products.matrices.", "weighted_products.matrices."),
    ("masknet", "mask"): ("blocks.0.mask.", "blocks.1.mask.", "blocks.2.mask."),
    ("finalmlp", "gating"): ("gates.",),
    ("finalmlp", "bilinear"): ("fusion.matrices.",),
    ("autoint", "residual"): ("attention.layers.0.residual.",),
    ("autoint_plus", "attention"): ("attention.",),
    ("autoint_plus", "residual"): ("attention.layers.0.residual.",),
    ("autoint_plus", "dnn"): ("dnn.",),
    ("din", "attention"): ("attention.",),
    ("din", "history"): ("attention.",),
    ("dien", "attention"): ("interests.0.attention.",),
    ("dien", "evolution"): ("interests.0.evolution.", "interests.0.attention."),
    ("dmin", "refiner"): ("interests.0.refiner.",),
    ("dmin", "position"): ("interests.0.position.",),
    ("dmin", "interests"): ("interests.0.attentions.1.", "interests.0.norms.1.", "interests.0.pooling.1."),
    ("bst", "transformer"): ("sequences.",),
    ("bst", "position"): ("sequences.0.position.",),
    ("bst", "target"): (),
    ("sin", "cin"): ("cin.", "fusion.project.cin.", "fusion.query.", "fusion.score."),
    ("sin", "bst"): ("sequences.", "fusion.project.bst.", "fusion.query.", "fusion.score."),
    ("sin", "linear"): ("linear.",),
    ("sin", "fields"): (),
    ("sin", "position"): ("sequences.0.position.",),
    ("sin", "target"): (),
}
"""Prefixes of the parameters of each part."""

RESHAPED = {
    ("fibinet", "senet"): {"dnn.hidden.layers.0.weight"},
    ("din", "history"): {"dnn.hidden.layers.0.weight"},
    ("dmin", "interests"): {"dnn.hidden.layers.0.weight"},
    ("bst", "target"): {"sequences.0.position.weight"},
    ("sin", "target"): {"sequences.0.position.weight"},
    ("sin", "fields"): {"dnn.hidden.layers.0.weight"},
}
"""Remaining parameters with another shape, because their input or the sequence is shorter."""


def parameters_of(variant: Variant, schema: EncodedSchema) -> dict[str, torch.Tensor]:
    return dict(build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(7)).named_parameters())


def test_every_declared_architecture_has_a_module_and_every_part_is_tested() -> None:
    assert MODULES.keys() == ARCHITECTURES.keys()
    assert PREFIXES.keys() == {(name, part) for name, declared in ARCHITECTURES.items() for part in declared.parts}


@pytest.mark.parametrize(("architecture", "part"), PREFIXES, ids="-".join)
def test_a_removed_part_has_no_parameters_and_the_others_start_bit_equal(
    architecture: str, part: str, schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    full = parameters_of(small_variant(architecture), schema)
    rest = parameters_of(small_variant(architecture, remove=(part,)), schema)
    removed = {name for name in full if name.startswith(PREFIXES[architecture, part] or ("-",))}
    assert full.keys() - rest.keys() == removed
    assert not rest.keys() - full.keys()
    for name in rest.keys() - RESHAPED.get((architecture, part), set()):
        assert torch.equal(rest[name], full[name]), name


@pytest.mark.parametrize("architecture", ["din", "dien", "dmin", "bst", "sin"])
def test_a_sequence_model_works_without_its_history(
    architecture: str, schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    names = parameters_of(small_variant(architecture, drop_features=("seen",)), schema)
    assert not any(name.startswith(("sequences", "attention", "interests", "fusion.project.bst")) for name in names)


def test_dropping_a_candidate_without_its_history_is_rejected(
    schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    with pytest.raises(InvalidSpec, match="'seen' needs its candidate 'item': drop both or neither"):
        parameters_of(small_variant("din", drop_features=("item",)), schema)


def test_an_unknown_part_is_rejected_with_the_known_ones(schema: EncodedSchema, small_variant: MakeVariant) -> None:
    with pytest.raises(InvalidSpec, match="no removable part 'crn'; known: bst, cin, fields, linear, position, target"):
        parameters_of(small_variant("sin", remove=("crn",)), schema)


def test_a_model_without_branches_is_rejected(schema: EncodedSchema, small_variant: MakeVariant) -> None:
    with pytest.raises(InvalidSpec, match="keep one of linear, cin, dnn"):
        parameters_of(small_variant("xdeepfm", remove=("linear", "cin", "dnn")), schema)


def test_sin_without_branches_is_its_linear_term(schema: EncodedSchema, small_variant: MakeVariant) -> None:
    remaining = parameters_of(small_variant("sin", remove=("cin", "bst", "fields")), schema)
    assert remaining.keys() == {"linear.table.weight", "linear.bias"}


def test_heads_that_do_not_divide_the_width_without_positions_are_rejected(
    schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    variant = small_variant("bst", remove=("position",), position="concat", embedding_dim=3, heads=2)
    with pytest.raises(InvalidSpec, match="heads must divide the transformer's width 3"):
        parameters_of(variant, schema)
