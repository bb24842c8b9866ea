"""A small prepared experiment with DeepFM, SIN and a diverging DCN V2, in a separate file store."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from builders import categorical, dataset_spec, make_experiment, model_spec, synthetic_source

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, StudyRecord, search_token
from ctrlab_store import Store, open_store
from ctrlab_study import untuned_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid

SMALL = {"epochs": 2, "batch_size": 256, "hidden_units": "8", "dropout": "0.2"}
DIVERGING = {
    "optimizer": "sgd",
    "learning_rate": "1",
    "clip_norm": "1e6",
    "embedding_init": "1",
    "cross_layers": 8,
    "batch_size": 16,
}


@dataclass(frozen=True)
class Prepared:
    """An experiment whose data are in the store and whose studies are not frozen yet."""

    store: Store
    key: ExperimentKey
    plan: Plan
    data: PreparedData
    schema: EncodedSchema

    @property
    def folder(self) -> Store:
        """The folder of this experiment."""
        return self.store.below(self.key.prefix)

    def freeze(self, *names: str) -> str:
        """Freeze the studies of these variants (default: all) and return their token."""
        records: list[StudyRecord] = []
        for name in names or self.plan.names:
            records.append(untuned_record(self.plan, name, self.data.digest))
            self.folder.put(ObjectKey.study(name), records[-1].to_json().encode())
        return search_token(records)


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, ExperimentKey]:
    """Prepare the experiment once per session; tests work on copies."""
    torch.set_num_threads(1)
    experiment = make_experiment(
        "small",
        dataset=dataset_spec(
            source=synthetic_source(1500, users=40, items=30),
            features=[
                *categorical("user_id", "item_id"),
                {"name": "history", "type": "History", "of": "item_id", "maxLength": 5},
            ],
            user="user_id",
            time="timestamp",
            split={"strategy": "Temporal"},
        ),
        models=[
            model_spec("DeepFM", parameters=SMALL),
            model_spec("SIN", parameters=SMALL),
            model_spec("Wild", "dcnv2", parameters=DIVERGING),
        ],
        evaluation={"seeds": {"count": 5, "base": 10}},
        analysis={"metrics": ["auc", "logloss", "gauc"]},
    )
    plan = Plan.from_experiment(experiment)
    key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    folder = tmp_path_factory.mktemp("prepared")
    store = open_store(folder.as_uri())
    store.below(key.prefix).put(ObjectKey.PLAN, plan.to_json().encode())
    prepare(plan, store, key)
    return folder, plan, key


@pytest.fixture
def prepared(prepared_folder: tuple[Path, Plan, ExperimentKey], tmp_path: Path) -> Prepared:
    """Return a copy of the prepared experiment."""
    folder, plan, key = prepared_folder
    shutil.copytree(folder, tmp_path / "store")
    store = open_store((tmp_path / "store").as_uri())
    data = PreparedData.model_validate_json(store.below(key.prefix).get(ObjectKey.PREPARED))
    schema, _, _ = open_train_valid(store, data)
    return Prepared(store, key, plan, data, schema)
