"""FuxiCTR in the comparison of trainers: its loader, training step and evaluation, and models built from its layers.

Its wheel contains layers and the base model; the models follow the recipes in its repository.
"""

import itertools
import tempfile
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.dataloaders.npz_dataloader import NpzDataLoader
from fuxictr.pytorch.layers import (
    CompressedInteractionNet,
    CrossNetV2,
    DIN_Attention,
    FactorizationMachine,
    FeatureEmbedding,
    FeatureEmbeddingDict,
    LogisticRegression,
    MLP_Block,
)
from fuxictr.pytorch.models import BaseModel
from torch import Tensor, nn

from bench.trainers.comparison_data import DEVICE, HISTORY, SETTINGS, columns_of
from bench.trainers.trainer_server import serve

np.Inf = np.inf  # type: ignore[attr-defined]


def feature_map_of(columns: dict[str, Any]) -> Any:
    """Return its description of the columns."""
    feature_map = FeatureMap("bench", ".")
    features: list[tuple[str, dict[str, Any]]] = []
    for name in columns:
        if name not in ("label", "hist", "hist_len"):
            vocabulary = int(columns[name].max()) + 1
            features.append((name, {"source": "", "type": "categorical", "vocab_size": vocabulary, "padding_idx": 0}))
    if "hist" in columns:
        size = dict(features)["item"]["vocab_size"]
        spec = {"source": "", "type": "sequence", "vocab_size": size, "padding_idx": 0, "share_embedding": "item"}
        features.append(("hist", {**spec, "feature_encoder": None, "max_len": HISTORY}))
    feature_map.features = OrderedDict(features)
    feature_map.labels = ["label"]
    feature_map.num_fields = feature_map.get_num_fields()
    feature_map.set_column_index()
    return feature_map


class Net(BaseModel):  # type: ignore[misc]
    """Any of the seven models."""

    def __init__(self, name: str, features: Any) -> None:
        super().__init__(
            features,
            verbose=0,
            gpu=0 if DEVICE == "cuda" else -1,
            model_root=".",
            metrics=["AUC"],
            embedding_regularizer=SETTINGS["l2"],
        )
        self.name = name
        sequence = name in ("DIN", "BST")
        dim = SETTINGS["sequence_embedding_dim" if sequence else "embedding_dim"]
        hidden = SETTINGS["sequence_hidden" if sequence else "hidden"]
        fields = features.num_fields
        plain = name in ("LR", "FM")
        if sequence:
            self.embedding = FeatureEmbeddingDict(features, dim)
        elif name != "LR":
            self.embedding = FeatureEmbedding(features, dim)
        if name in ("LR", "xDeepFM"):
            self.linear = LogisticRegression(features, use_bias=True)
        if name in ("FM", "DeepFM"):
            self.fm = FactorizationMachine(features)
        if name == "xDeepFM":
            self.cin = CompressedInteractionNet(fields, SETTINGS["cin"])
        if name == "DCNv2":
            self.cross = CrossNetV2(fields * dim, SETTINGS["cross_layers"])
            self.out = nn.Linear(fields * dim + hidden[-1], 1)
        if name == "DIN":
            self.attention = DIN_Attention(dim, attention_units=SETTINGS["attention_hidden"], hidden_activations="ReLU")
        if name == "BST":
            self.position = nn.Parameter(torch.zeros(1, HISTORY + 1, dim))
            self.block = nn.TransformerEncoderLayer(
                dim, SETTINGS["heads"], 2 * dim, 0.0, activation=nn.LeakyReLU(), batch_first=True
            )
        if not plain:
            self.mlp = MLP_Block(
                input_dim=fields * dim,
                output_dim=None if name == "DCNv2" else 1,
                hidden_units=hidden,
                dropout_rates=0 if sequence else SETTINGS["dropout"],
                batch_norm=not sequence,
            )
        self.compile("adam", "binary_crossentropy", SETTINGS["learning_rate"])
        self.reset_parameters()
        self.model_to_device()

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        x = self.get_inputs(inputs)
        if self.name in ("DIN", "BST"):
            logit = self.mlp(self._sequence(x))
        elif self.name == "LR":
            logit = self.linear(x)
        else:
            embedded = self.embedding(x)
            flat = embedded.flatten(start_dim=1)
            if self.name in ("FM", "DeepFM"):
                logit = self.fm(x, embedded)
                logit = logit + self.mlp(flat) if self.name == "DeepFM" else logit
            elif self.name == "xDeepFM":
                logit = self.linear(x) + self.cin(embedded) + self.mlp(flat)
            else:
                logit = self.out(torch.cat([self.cross(flat), self.mlp(flat)], dim=1))
        return {"y_pred": torch.sigmoid(logit)}

    def _sequence(self, x: dict[str, Tensor]) -> Tensor:
        embedded = self.embedding(x)
        target, events, mask = embedded["item"], embedded["hist"], x["hist"] > 0
        if self.name == "DIN":
            pooled = self.attention(target, events, mask)
        else:
            events = torch.cat([target[:, None], events], dim=1) + self.position
            hidden = torch.cat([torch.zeros_like(mask[:, :1]), ~mask], dim=1)
            pooled = self.block(events, src_key_padding_mask=hidden)[:, 0]
        return torch.cat([embedded["user"], target, embedded["context"], pooled], dim=1)


class Fuxi:
    """One model on one data set."""

    def __init__(self, model: str, rows: int) -> None:
        columns = columns_of(model, rows)
        features = feature_map_of(columns)
        self.folder = tempfile.TemporaryDirectory()
        path = f"{self.folder.name}/rows.npz"
        np.savez(path, **columns)  # type: ignore[arg-type]
        # Load in this process: a loader process would be one more thread than the other programs have.
        options = {"batch_size": SETTINGS["batch_size"], "num_workers": 0}
        self.loader = NpzDataLoader(features, path, shuffle=True, **options)
        self.evaluation = NpzDataLoader(features, path, shuffle=False, **options)
        self.data_bytes = self.loader.dataset.darray.nbytes
        self.model = Net(model, features)
        self.model._max_gradient_norm = 10.0
        self.batches = itertools.chain.from_iterable(self.loader for _ in itertools.count())

    def load(self, batches: int) -> int:
        return sum(len(batch["label"]) for batch in itertools.islice(self.batches, batches))

    def train(self, batches: int) -> int:
        self.model.train()
        rows = 0
        for batch in itertools.islice(self.batches, batches):
            rows += len(batch["label"])
            self.model.train_step(batch).item()
        return rows

    def evaluate(self) -> int:
        return len(self.model.predict(self.evaluation))


if __name__ == "__main__":
    serve(Fuxi, torch.set_num_threads)
