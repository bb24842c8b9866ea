"""ctrlab in the comparison of trainers."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.trainers.comparison_data import SETTINGS, Columns, columns_of
from bench.trainers.trainer_server import serve
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit, open_split, save_split
from ctrlab_trainer.models import build
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.training.batches import Batch, DeviceData
from ctrlab_trainer.training.loop import training_step
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.scoring import score
from ctrlab_trainer.training.variant_config import resolve_config


def variant_of(model: str) -> Variant:
    """Return the model with the settings of the comparison."""
    sequence = model in ("DIN", "BST")
    parameters: dict[str, str | int] = {
        "batch_size": SETTINGS["batch_size"],
        "embedding_dim": SETTINGS["sequence_embedding_dim" if sequence else "embedding_dim"],
        "embedding_l2": str(SETTINGS["l2"]),
    }
    if model not in ("LR", "FM"):
        parameters |= {
            "hidden_units": ",".join(map(str, SETTINGS["sequence_hidden" if sequence else "hidden"])),
            "dropout": "0" if sequence else str(SETTINGS["dropout"]),
            "batch_norm": "false" if sequence else "true",
        }
    if model == "xDeepFM":
        parameters["cin_units"] = ",".join(map(str, SETTINGS["cin"]))
    if model == "DCNv2":
        parameters["cross_layers"] = SETTINGS["cross_layers"]
    if model == "DIN":
        parameters |= {"attention_units": "64,32", "attention_activation": "relu"}
    if model == "BST":
        parameters["heads"] = SETTINGS["heads"]
    return Variant(name=model, architecture=model.lower(), parameters=parameters)


def encode(columns: Columns, folder: Path) -> tuple[EncodedSchema, EncodedSplit]:
    """Return the columns in ctrlab's format, memory-mapped; histories are pointers into one event log."""
    names = [name for name in columns if name not in ("label", "hist", "hist_len")]
    features, offset = [], 1
    for column, name in enumerate(names):
        size = int(columns[name].max()) + 1
        features.append(EncodedFeature(name=name, kind="categorical", offset=offset, size=size, column=column))
        offset += size
    ids = np.stack([columns[feature.name] + feature.offset for feature in features], axis=1).astype(np.int32)
    histories = {}
    if "hist" in columns:
        end = np.arange(len(ids), dtype=np.int64)
        item = names.index("item")
        length = columns["hist"].shape[1]
        item_feature = features[item]
        features.append(
            item_feature.model_copy(update={"name": "hist", "kind": "history", "length": length, "of": "item"})
        )
        start = end - columns["hist_len"]
        histories["hist"] = EncodedHistory(np.ascontiguousarray(ids[:, item]), start, end)
    schema = EncodedSchema(features=tuple(features), embedding_rows=offset)
    split = EncodedSplit(
        labels=columns["label"].astype(np.uint8),
        categorical=ids,
        numeric=np.zeros((len(ids), 0), np.float32),
        multicategorical={},
        histories=histories,
        users=None,
        row_ids=np.arange(len(ids), dtype=np.int64),
    )
    save_split(folder, split)
    return schema, open_split(folder, schema)


class Ctrlab:
    """One model on one data set."""

    def __init__(self, model: str, rows: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        schema, split = encode(columns_of(model, rows), Path(self.folder.name))
        arrays: list[NDArray[Any]] = [split.labels, split.categorical]
        for history in split.histories.values():
            arrays += [history.events, history.start, history.end]
        self.data_bytes = sum(array.nbytes for array in arrays)
        variant = variant_of(model)
        self.config = resolve_config(variant, {})
        self.rows, self.order = DeviceData(split, schema, "cpu"), RowOrdering.choose("rows", split, "cpu")
        self.model = build(variant, self.config, schema, PurposeSeeds.from_root(0))
        self.optimizer = ModelOptimizer(self.model, self.config)
        self.batches = self._endless_batches()
        self.activations: list[torch.Tensor] = []
        self.gradients: list[torch.Tensor] = []

    def _endless_batches(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(0)
        while True:
            yield from map(
                self.rows.batch, self.rows.index_batches(self.order.windows(generator), self.config.batch_size)
            )

    def load(self, batches: int) -> int:
        return sum(len(batch.labels) for batch in itertools.islice(self.batches, batches))

    def train(self, batches: int) -> int:
        self.model.train()
        rows = 0
        for batch in itertools.islice(self.batches, batches):
            training_step(self.model, batch, self.optimizer, self.config.precision)
            rows += len(batch.labels)
        return rows

    def gemm(self, batches: int) -> int:
        """Run only the GEMMs of the MLP, forward and backward, for this number of batches, and return their rows.

        Every layer has separate activations and gradients, as in training, where they do not stay in a cache.
        """
        size = self.config.batch_size
        weights = [module.weight.detach() for module in self.model.modules() if isinstance(module, torch.nn.Linear)]
        if not self.activations:
            widths = [weights[0].shape[1], *(len(weight) for weight in weights)]
            self.activations = [torch.randn(size, width) for width in widths]
            self.gradients = [torch.randn(size, width) for width in widths]
        inputs, errors = self.activations, self.gradients
        for _ in range(batches):
            for layer, weight in enumerate(weights):
                torch.mm(inputs[layer], weight.t(), out=inputs[layer + 1])
            for layer, weight in reversed(list(enumerate(weights))):
                torch.mm(errors[layer + 1].t(), inputs[layer])
                torch.mm(errors[layer + 1], weight, out=errors[layer])
        return batches * size

    def evaluate(self) -> int:
        return len(score(self.model, self.rows))


if __name__ == "__main__":
    set_up_torch()
    serve(Ctrlab, torch.set_num_threads)
