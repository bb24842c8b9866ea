"""torch-rechub in the comparison of trainers: its models, data generator and trainer."""

import itertools
from typing import Any

import torch
from torch_rechub.basic.features import SequenceFeature, SparseFeature
from torch_rechub.models.ranking import DIN, DCNv2, DeepFM
from torch_rechub.trainers import CTRTrainer
from torch_rechub.utils.data import DataGenerator

from bench.trainers.batch_slices import BatchSlice
from bench.trainers.comparison_data import DEVICE, SETTINGS, columns_of
from bench.trainers.trainer_server import serve


class Rechub:
    """One model on one data set."""

    def __init__(self, model: str, rows: int) -> None:
        columns = columns_of(model, rows)
        label = columns.pop("label")
        columns.pop("hist_len", None)
        self.data_bytes = label.nbytes + sum(column.nbytes for column in columns.values())
        net = network(model, columns)
        rate = {"lr": SETTINGS["learning_rate"], "weight_decay": 0.0}
        self.trainer = CTRTrainer(
            net,
            optimizer_params=rate,
            regularization_params={"embedding_l2": SETTINGS["l2"]},
            n_epoch=1,
            device=DEVICE,
        )
        generator = DataGenerator(columns, label)
        self.loader, self.evaluation, _ = generator.generate_dataloader(
            x_val=columns, y_val=label, x_test=columns, y_test=label, batch_size=SETTINGS["batch_size"], num_workers=0
        )
        self.rows = len(label)
        self.batches = itertools.chain.from_iterable(self.loader for _ in itertools.count())

    def load(self, batches: int) -> int:
        return sum(len(label) for _, label in itertools.islice(self.batches, batches))

    def train(self, batches: int) -> int:
        self.trainer.train_one_epoch(BatchSlice(self.batches, batches))
        return batches * int(SETTINGS["batch_size"])

    def evaluate(self) -> int:
        self.trainer.predict(self.trainer.model, self.evaluation)
        return self.rows


def network(name: str, columns: dict[str, Any]) -> Any:
    """Return one of its models; its ranking models do not include LR, FM and xDeepFM."""
    sequence = name in ("DIN", "BST")
    dim = SETTINGS["sequence_embedding_dim" if sequence else "embedding_dim"]
    features = {
        column: SparseFeature(column, vocab_size=int(columns[column].max()) + 1, embed_dim=dim)
        for column in columns
        if column != "hist"
    }
    dense = {"dims": SETTINGS["hidden"], "dropout": SETTINGS["dropout"]}
    if name == "DeepFM":
        return DeepFM(list(features.values()), list(features.values()), dense)
    if name == "DCNv2":
        return DCNv2(list(features.values()), SETTINGS["cross_layers"], dense, use_low_rank_mixture=False)
    if sequence:
        size = features["item"].vocab_size
        history = [
            SequenceFeature("hist", vocab_size=size, embed_dim=dim, pooling="concat", shared_with="item", padding_idx=0)
        ]
        others, target = [features["user"], features["context"]], [features["item"]]
        deep = {"dims": SETTINGS["sequence_hidden"]}
        if name == "DIN":
            attention = {"dims": SETTINGS["attention_hidden"], "activation": "relu"}
            return DIN(others, history, target, deep, attention)
        raise NotImplementedError("the feed-forward layer of torch-rechub's BST has a width of 2048 that cannot be set")
    raise NotImplementedError(f"torch-rechub has no {name}")


if __name__ == "__main__":
    serve(Rechub, torch.set_num_threads)
