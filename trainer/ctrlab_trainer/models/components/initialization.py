"""Initial weights, from one random stream per parameter, keyed by its name, and in the tables per feature.

Removing or adding a part or a feature therefore does not change the initial weights of the others. Weights are drawn on
the CPU whatever the device, so that a run on a GPU starts from the same weights. Tables are N(0, std^2), matrices
Xavier-normal, biases 0 (the BARS benchmark's settings); values that a module sets itself (norms, slopes) stay.
"""

import torch
from torch import nn

from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.embedding_tables import Table
from ctrlab_trainer.models.components.pretrained_vectors import PretrainedVectors
from ctrlab_trainer.training.random_seeds import stream_seed


def initialize(model: nn.Module, seed: int, table_std: float) -> None:
    """Initialize every parameter of a model on the CPU."""
    tables = {f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, Table)}
    biases = {f"{name}.bias" for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    pretrained = {f"{name}.vectors" for name, module in model.named_modules() if isinstance(module, PretrainedVectors)}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in tables:
                for feature, rows in tables[name].blocks.items():
                    block = parameter[rows.start : rows.stop]
                    block.normal_(0.0, table_std, generator=_generator(seed, f"{name}/{feature}"))
            elif parameter.ndim >= 2 and name not in pretrained:
                nn.init.xavier_normal_(parameter, generator=_generator(seed, name))
            elif name in biases:
                parameter.zero_()


def _generator(seed: int, name: str) -> torch.Generator:
    return torch.Generator().manual_seed(stream_seed(seed, name))


def seed_dropout(model: nn.Module, seed: int, device: torch.device) -> None:
    """Start the random stream of every dropout layer, keyed by its name."""
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            module.seed_stream(stream_seed(seed, name), device)
