"""DeepCTR-Torch in the comparison of trainers: its models, trained by its `fit` on the requested batches."""

from typing import Any

import numpy as np
import torch
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat
from deepctr_torch.models import DCN, DIN, WDL, DeepFM, xDeepFM
from torch.utils.data import DataLoader, TensorDataset

from bench.trainers.comparison_data import DEVICE, HISTORY, SETTINGS, columns_of
from bench.trainers.trainer_server import serve


class DeepCTR:
    """One model on one data set."""

    def __init__(self, model: str, rows: int) -> None:
        columns = columns_of(model, rows)
        self.label = columns.pop("label")
        sequence = model == "DIN"
        dim = SETTINGS["sequence_embedding_dim" if sequence else "embedding_dim"]
        features: list[Any] = [
            SparseFeat(name, int(columns[name].max()) + 1, embedding_dim=dim)
            for name in columns
            if name not in ("hist", "hist_len")
        ]
        if sequence:
            columns = {("hist_item" if name == "hist" else name): column for name, column in columns.items()}
            inner = SparseFeat("hist_item", int(columns["item"].max()) + 1, embedding_dim=dim, embedding_name="item")
            features.append(VarLenSparseFeat(inner, maxlen=HISTORY, length_name="hist_len"))
        self.model = network(model, features)
        self.model.compile("adam", "binary_crossentropy", metrics=[])
        self.columns = {name: columns[name] for name in self.model.feature_index}
        joined = [c.reshape(len(c), -1) for c in self.columns.values()]
        self.table = TensorDataset(torch.from_numpy(np.concatenate(joined, axis=1)), torch.from_numpy(self.label))
        self.data_bytes = self.table.tensors[0].nbytes + self.table.tensors[1].nbytes

    def load(self, batches: int) -> int:
        rows = 0
        for index, (_, label) in enumerate(DataLoader(self.table, batch_size=SETTINGS["batch_size"], shuffle=True)):
            rows += len(label)
            if index + 1 == batches:
                break
        return rows

    def train(self, batches: int) -> int:
        rows = min(batches * SETTINGS["batch_size"], len(self.label))
        columns = {name: column[:rows] for name, column in self.columns.items()}
        self.model.fit(columns, self.label[:rows], batch_size=SETTINGS["batch_size"], epochs=1, verbose=0)
        return int(rows)

    def evaluate(self) -> int:
        self.model.predict(self.columns, SETTINGS["batch_size"])
        return len(self.label)


def network(name: str, features: list[Any]) -> Any:
    """Return one of its models; it has no BST."""
    common: dict[str, Any] = {"l2_reg_embedding": SETTINGS["l2"], "device": DEVICE}
    dense = {"dnn_hidden_units": SETTINGS["hidden"], "dnn_dropout": SETTINGS["dropout"], "dnn_use_bn": True}
    if name == "LR":
        return WDL(features, [], dnn_hidden_units=(), device=DEVICE)
    if name == "FM":
        return DeepFM(features, features, dnn_hidden_units=(), **common)
    if name == "DeepFM":
        return DeepFM(features, features, **dense, **common)
    if name == "xDeepFM":
        cin = {"cin_layer_size": SETTINGS["cin"], "cin_split_half": False, "cin_activation": "linear"}
        return xDeepFM(features, features, **cin, **dense, **common)
    if name == "DCNv2":
        return DCN([], features, cross_num=SETTINGS["cross_layers"], cross_parameterization="matrix", **dense, **common)
    if name == "DIN":
        attention = {"att_hidden_size": SETTINGS["attention_hidden"], "att_activation": "relu"}
        return DIN(features, ["item"], dnn_hidden_units=SETTINGS["sequence_hidden"], **attention, **common)
    raise NotImplementedError(f"DeepCTR-Torch has no {name}")


if __name__ == "__main__":
    serve(DeepCTR, torch.set_num_threads)
