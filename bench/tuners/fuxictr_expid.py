"""Train one configuration of FuxiCTR's tuner in a separate process: `fuxictr_expid.py --config FOLDER --expid ID --gpu
N`.

Its wheel contains the tuner but neither this script nor DeepFM; both follow the recipes in its repository. Each
finished configuration adds a line to `results.jsonl` in the folder of the models.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from fuxictr.features import FeatureMap
from fuxictr.preprocess import FeatureProcessor, build_dataset
from fuxictr.pytorch.dataloaders import RankDataLoader
from fuxictr.pytorch.layers import FactorizationMachine, FeatureEmbedding, MLP_Block
from fuxictr.pytorch.models import BaseModel
from fuxictr.pytorch.torch_utils import seed_everything
from fuxictr.utils import load_config, set_logger
from torch import Tensor, sigmoid

np.Inf = np.inf  # type: ignore[attr-defined]


class DeepFM(BaseModel):  # type: ignore[misc]
    """FM and an MLP."""

    def __init__(self, features: Any, params: dict[str, Any]) -> None:
        super().__init__(features, **params)
        self.embedding = FeatureEmbedding(features, params["embedding_dim"])
        self.fm = FactorizationMachine(features)
        self.mlp = MLP_Block(
            input_dim=features.num_fields * params["embedding_dim"],
            output_dim=1,
            hidden_units=params["hidden_units"],
            hidden_activations="relu",
            dropout_rates=params["net_dropout"],
            batch_norm=True,
        )
        self.compile(params["optimizer"], params["loss"], params["learning_rate"])
        self.reset_parameters()
        self.model_to_device()

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        x = self.get_inputs(inputs)
        embedded = self.embedding(x)
        return {"y_pred": sigmoid(self.fm(x, embedded) + self.mlp(embedded.flatten(start_dim=1)))}


def main() -> None:
    """Train one configuration."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for option in ("--config", "--expid"):
        parser.add_argument(option, required=True)
    parser.add_argument("--gpu", type=int, required=True)
    args = parser.parse_args()
    began = time.time()
    params = load_config(args.config, args.expid) | {"gpu": args.gpu}
    # This also creates the folder of the saved models.
    set_logger(params)
    seed_everything(params["seed"])
    folder = Path(params["data_root"]) / params["dataset_id"]
    paths = build_dataset(FeatureProcessor(**params), **params)
    params |= dict(zip(("train_data", "valid_data", "test_data"), paths, strict=True))
    features = FeatureMap(params["dataset_id"], str(folder))
    features.load(str(folder / "feature_map.json"), params)
    model = DeepFM(features, params)
    train, valid = RankDataLoader(features, stage="train", **params).make_iterator()
    model.fit(train, validation_data=valid, epochs=params["epochs"])
    line = {"began": began, "ended": time.time(), "auc": model._best_metric, "epochs": model._epoch_index + 1}
    with (Path(params["model_root"]) / "results.jsonl").open("a") as results:
        results.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
