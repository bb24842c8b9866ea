"""The architectures as torch modules, one file per family, registered under the name of the declaration in
`ctrlab_api`.

Installed packages add their models by an entry point of the group `ctrlab.models`, under the name of the declaration.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import torch
from torch import nn

from ctrlab_api.architectures import Architecture, check_parts
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.models.afn import AFN, AFNPlus
from ctrlab_trainer.models.autoint import AutoInt, AutoIntPlus
from ctrlab_trainer.models.bst import BST
from ctrlab_trainer.models.components.embedding_tables import Table
from ctrlab_trainer.models.components.initialization import initialize, seed_dropout
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.dcn import DCN, GDCN, DCNv2
from ctrlab_trainer.models.deepfm import DeepFM
from ctrlab_trainer.models.dien import DIEN
from ctrlab_trainer.models.din import DIN
from ctrlab_trainer.models.dmin import DMIN
from ctrlab_trainer.models.dnn import DNN
from ctrlab_trainer.models.fibinet import FiBiNET
from ctrlab_trainer.models.finalmlp import FinalMLP
from ctrlab_trainer.models.fm import FM
from ctrlab_trainer.models.lr import LR
from ctrlab_trainer.models.masknet import MaskNet
from ctrlab_trainer.models.memory_check import check_memory
from ctrlab_trainer.models.sin import SIN
from ctrlab_trainer.models.widedeep import WideDeep
from ctrlab_trainer.models.xdeepfm import XDeepFM
from ctrlab_trainer.training.random_seeds import PurposeSeeds

__all__ = ["MODULES", "assemble", "build", "tables"]

ModelFactory = Callable[[Any, ModelInputs, frozenset[str]], nn.Module]
"""Called with (config, inputs, kept parts); returns a module that maps a Batch to [B] logits."""
ENTRY_POINT_GROUP = "ctrlab.models"

MODULES: dict[str, ModelFactory] = {
    "lr": LR,
    "fm": FM,
    "dnn": DNN,
    "widedeep": WideDeep,
    "deepfm": DeepFM,
    "xdeepfm": XDeepFM,
    "dcn": DCN,
    "dcnv2": DCNv2,
    "gdcn": GDCN,
    "autoint": AutoInt,
    "autoint_plus": AutoIntPlus,
    "afn": AFN,
    "afn_plus": AFNPlus,
    "fibinet": FiBiNET,
    "masknet": MaskNet,
    "finalmlp": FinalMLP,
    "din": DIN,
    "dien": DIEN,
    "dmin": DMIN,
    "bst": BST,
    "sin": SIN,
}
"""The factory of each built-in architecture, by its name in a specification."""


def build(
    variant: Variant, config: Architecture, schema: EncodedSchema, seeds: PurposeSeeds, device: str = "cpu"
) -> nn.Module:
    """Return a variant's model with its initial weights, on the device; it maps a Batch to [B] logits.

    `schema` may still contain the features that the variant drops. Raises InvalidSpec for an unknown part, for a model
    without any part left, and for a history whose candidate is dropped; MemoryError for a model that does not fit.
    """
    check_memory(lambda: assemble(variant, config, schema), config.optimizer)
    model = assemble(variant, config, schema)
    initialize(model, seeds.init, config.embedding_init)
    seed_dropout(model, seeds.dropout, torch.device(device))
    return model.to(device)


def assemble(variant: Variant, config: Architecture, schema: EncodedSchema) -> nn.Module:
    """Return a variant's model before its weights are initialized; raises the errors of `build`."""
    try:
        check_parts(variant.architecture, variant.remove)
    except ValueError as error:
        raise InvalidSpec([Problem(f"{variant.name}.remove", str(error))]) from None
    inputs = ModelInputs.from_schema(schema.without(variant.excluded_features))
    kept_parts = frozenset(type(config).parts) - frozenset(variant.remove)
    model = model_factory(variant.architecture)(config, inputs, kept_parts)
    if not any(True for _ in model.parameters()):
        raise InvalidSpec([Problem(f"{variant.name}.remove", "nothing of the model would be left")])
    for module in model.modules():
        if isinstance(module, Table):
            module.row_wise = 0 < config.sparse_embeddings_above < len(module.weight)
    return model


def model_factory(architecture: str) -> ModelFactory:
    """Return the factory of an architecture; InvalidSpec if no package has it, or if it cannot be loaded."""
    if architecture in MODULES:
        return MODULES[architecture]
    for point in entry_points(group=ENTRY_POINT_GROUP, name=architecture):
        try:
            factory: ModelFactory = point.load()
        except Exception as error:
            problem = f"{point.value} of {architecture!r} cannot be loaded: {type(error).__name__}: {error}"
            raise InvalidSpec([Problem("architecture", problem)]) from None
        return factory
    raise InvalidSpec(
        [Problem("architecture", f"no installed package has an entry point {ENTRY_POINT_GROUP} {architecture!r}")]
    )


def tables(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that the embedding penalty applies to: the embedding table and the linear weights."""
    return [module.weight for module in model.modules() if isinstance(module, Table)]
