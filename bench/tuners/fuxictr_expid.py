"""One configuration of FuxiCTR's tuner, in a process of its own: `fuxictr_expid.py --config FOLDER --expid ID --gpu N`.

Its wheel has the tuner but neither this script nor DeepFM, which its repository gives as recipes that this follows. A
line for each finished configuration goes to `results.jsonl` in the folder of its models.
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
    """FM and a perceptron."""

    def __init__(self, features: Any, given: dict[str, Any]) -> None:
        super().__init__(features, **given)
        self.embedding = FeatureEmbedding(features, given["embedding_dim"])
        self.fm = FactorizationMachine(features)
        self.mlp = MLP_Block(
            input_dim=features.num_fields * given["embedding_dim"],
            output_dim=1,
            hidden_units=given["hidden_units"],
            hidden_activations="relu",
            dropout_rates=given["net_dropout"],
            batch_norm=True,
        )
        self.compile(given["optimizer"], given["loss"], given["learning_rate"])
        self.reset_parameters()
        self.model_to_device()

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        x = self.get_inputs(inputs)
        embedded = self.embedding(x)
        return {"y_pred": sigmoid(self.fm(x, embedded) + self.mlp(embedded.flatten(start_dim=1)))}


def main() -> None:
    """Trains one configuration."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for option in ("--config", "--expid"):
        parser.add_argument(option, required=True)
    parser.add_argument("--gpu", type=int, required=True)
    asked = parser.parse_args()
    began = time.time()
    given = load_config(asked.config, asked.expid) | {"gpu": asked.gpu}
    # It also makes the folder that models are saved in.
    set_logger(given)
    seed_everything(given["seed"])
    folder = Path(given["data_root"]) / given["dataset_id"]
    paths = build_dataset(FeatureProcessor(**given), **given)
    given |= dict(zip(("train_data", "valid_data", "test_data"), paths, strict=True))
    features = FeatureMap(given["dataset_id"], str(folder))
    features.load(str(folder / "feature_map.json"), given)
    model = DeepFM(features, given)
    train, valid = RankDataLoader(features, stage="train", **given).make_iterator()
    model.fit(train, validation_data=valid, epochs=given["epochs"])
    line = {"began": began, "ended": time.time(), "auc": model._best_metric, "epochs": model._epoch_index + 1}
    with (Path(given["model_root"]) / "results.jsonl").open("a") as results:
        results.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
