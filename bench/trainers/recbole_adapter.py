"""RecBole in the comparison of trainers: its context-aware models, data loader and trainer."""

import itertools
import os
import tempfile
from pathlib import Path

import pandas as pd
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer as RecBoleTrainer
from recbole.utils import get_model

from bench.trainers.batch_slices import BatchSlice
from bench.trainers.comparison_data import DEVICE, SETTINGS, columns_of
from bench.trainers.trainer_server import serve

MODELS = {"LR": "LR", "FM": "FM", "DeepFM": "DeepFM", "xDeepFM": "xDeepFM", "DCNv2": "DCNV2"}


class RecBole:
    """One model on one data set; its DIN samples sequences itself, so it cannot use the same ones."""

    def __init__(self, model: str, rows: int) -> None:
        if model not in MODELS:
            raise NotImplementedError(f"RecBole has no {model} for given histories")
        self.folder = tempfile.TemporaryDirectory()
        # Its trainer writes logs to the working directory.
        os.chdir(self.folder.name)
        columns = columns_of(model, rows)
        names = [name for name in columns if name != "label"]
        data_folder = Path(self.folder.name) / "bench"
        data_folder.mkdir()
        header = {name: f"{name}:token" for name in names} | {"label": "label:float"}
        pd.DataFrame(columns).rename(columns=header).to_csv(data_folder / "bench.inter", sep="\t", index=False)
        config = Config(
            model=MODELS[model],
            dataset="bench",
            config_dict={
                "data_path": self.folder.name,
                "USER_ID_FIELD": "user",
                "ITEM_ID_FIELD": "item",
                "LABEL_FIELD": "label",
                "load_col": {"inter": [*names, "label"]},
                "eval_args": {"split": {"RS": [0.5, 0.5, 0]}, "group_by": None, "order": "RO", "mode": "labeled"},
                "metrics": ["AUC"],
                "valid_metric": "AUC",
                "train_neg_sample_args": None,
                "train_batch_size": SETTINGS["batch_size"],
                "eval_batch_size": SETTINGS["batch_size"],
                "embedding_size": SETTINGS["embedding_dim"],
                "mlp_hidden_size": SETTINGS["hidden"],
                "dropout_prob": SETTINGS["dropout"],
                "cin_layer_size": SETTINGS["cin"],
                "direct": True,
                "cross_layer_num": SETTINGS["cross_layers"],
                "mixed": False,
                "structure": "parallel",
                "reg_weight": SETTINGS["l2"],
                "clip_grad_norm": {"max_norm": 10, "norm_type": 2},
                "worker": 0,
                "use_gpu": DEVICE == "cuda",
                "show_progress": False,
                "state": "ERROR",
                "checkpoint_dir": self.folder.name,
            },
        )
        dataset = create_dataset(config)
        self.loader, self.evaluation, _ = data_preparation(config, dataset)
        tensors = self.loader.dataset.inter_feat.interaction.values()
        self.data_bytes = 2 * sum(tensor.nbytes for tensor in tensors)
        self.trainer = RecBoleTrainer(config, get_model(config["model"])(config, self.loader.dataset))
        self.batches = itertools.chain.from_iterable(self.loader for _ in itertools.count())
        self.rows = len(self.evaluation.dataset)

    def load(self, batches: int) -> int:
        return sum(len(batch) for batch in itertools.islice(self.batches, batches))

    def train(self, batches: int) -> int:
        self.trainer._train_epoch(BatchSlice(self.batches, batches), 0)
        return batches * int(SETTINGS["batch_size"])

    def evaluate(self) -> int:
        self.trainer.evaluate(self.evaluation, load_best_model=False)
        return self.rows


if __name__ == "__main__":
    serve(RecBole, torch.set_num_threads)
