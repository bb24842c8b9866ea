"""A tiny data set with every kind of feature, encoded by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ctrlab_api.architectures import declaration
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit
from ctrlab_trainer.training.loop import TrainingResult, train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

Parameters = dict[str, int | str]
MakeSplit = Callable[[int, int], EncodedSplit]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Use one thread, as workers do; synchronizing threads makes small models slow."""
    torch.set_num_threads(1)


@pytest.fixture
def schema() -> EncodedSchema:
    """Return a schema with rows 1-50 for users, 51-90 for items, 91 for a number, 92-99 for genres."""
    return EncodedSchema(
        features=(
            EncodedFeature(name="user", kind="categorical", offset=1, size=50, column=0),
            EncodedFeature(name="item", kind="categorical", offset=51, size=40, column=1),
            EncodedFeature(name="age", kind="numeric", offset=91, size=1, column=0),
            EncodedFeature(name="genres", kind="multicategorical", offset=92, size=8, column=-1, length=3),
            EncodedFeature(name="seen", kind="history", offset=51, size=40, column=-1, length=5, of="item"),
        ),
        embedding_rows=100,
    )


@pytest.fixture
def make_split() -> MakeSplit:
    """Return a factory (rows, seed) of splits; the label is the parity of user + item, and some histories are empty."""

    def make(rows: int, seed: int) -> EncodedSplit:
        generator = np.random.default_rng(seed)
        categorical = np.stack([generator.integers(1, 51, rows), generator.integers(51, 91, rows)], axis=1).astype(
            np.int32
        )
        end = generator.integers(0, 200, rows)
        genres = generator.integers(92, 100, (rows, 3))
        genres[generator.random((rows, 3)) < 0.5] = 0
        return EncodedSplit(
            labels=((categorical[:, 0] + categorical[:, 1]) % 2).astype(np.uint8),
            categorical=categorical,
            numeric=generator.normal(size=(rows, 1)).astype(np.float32),
            multicategorical={"genres": genres.astype(np.int32)},
            histories={
                "seen": EncodedHistory(
                    events=generator.integers(51, 91, 200).astype(np.int32),
                    start=np.maximum(0, end - generator.integers(0, 6, rows)).astype(np.int64),
                    end=end.astype(np.int64),
                )
            },
            users=categorical[:, 0],
            row_ids=np.arange(rows, dtype=np.int64),
        )

    return make


@pytest.fixture
def small_variant() -> Callable[..., Variant]:
    """Return a factory (architecture, **parameters) of variants that train in a moment."""

    def make(
        architecture: str, remove: tuple[str, ...] = (), drop_features: tuple[str, ...] = (), **parameters: int | str
    ) -> Variant:
        deep: Parameters = {"hidden_units": "16,8"} if "hidden_units" in declaration(architecture).model_fields else {}
        all_parameters: Parameters = {"embedding_dim": 8, "batch_size": 64, "epochs": 2, **deep, **parameters}
        return Variant(
            name="model",
            architecture=architecture,
            parameters=all_parameters,
            remove=remove,
            drop_features=drop_features,
        )

    return make


@pytest.fixture
def fit(schema: EncodedSchema, make_split: MakeSplit) -> Callable[..., TrainingResult]:
    """Return a function that trains a variant on 600 rows of the tiny data set."""

    def run(variant: Variant, seed: int = 1, **overrides: object) -> TrainingResult:
        arguments: dict[str, object] = {
            "train": make_split(600, 1),
            "valid": make_split(200, 2),
            "primary_metric": "auc",
            "metrics": ("auc", "logloss"),
            **overrides,
        }
        return train(
            config=resolve_config(variant, {}),
            variant=variant,
            schema=schema,
            seeds=PurposeSeeds.from_root(seed),
            device="cpu",
            **arguments,  # type: ignore[arg-type]
        )

    return run
