"""An experiment with every kind of feature, from source files to run records."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import open_store
from ctrlab_study import untuned_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.final_runs import evaluate

USERS, ITEMS, SHOPS, ROWS = 30, 60, 8, 4000

FEATURES = """
- {name: item, type: Categorical}
- {name: category, type: Categorical}
- {name: user, type: Categorical, hashBuckets: 16}
- {name: shop, type: Categorical, pretrained: {uri: "FOLDER/vectors.parquet", vector: vector}}
- {name: tuned_shop, column: shop, type: Categorical,
   pretrained: {uri: "FOLDER/vectors.parquet", vector: vector, training: FineTuned, missing: Mean}}
- {name: category_of_shop, type: Cross, cross: [category, shop]}
- {name: price, type: Numeric}
- {name: price_bucket, column: price, type: Numeric, transform: LogBucket}
- {name: tags, type: MultiCategorical, separator: "|", pooling: Max}
- {name: seen, type: History, of: item, maxLength: 5, timeGaps: true}
- {name: seen_categories, type: History, of: category, through: seen}
- {name: listed, type: History, of: item, maxLength: 5, timeGaps: true, stored: {separator: "^", times: listed_at}}
- {name: listed_categories, type: History, of: category, through: listed}
- {name: slots, type: MultiCategorical, columns: ["slot_{0..1}"], padding: t0}
- {name: image, type: Vector, width: 2}
"""

MANIFEST = """
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: every-kind}
spec:
  dataset:
    source:
      uri: FOLDER/rows.csv
      format: csv
      tables: [{uri: "FOLDER/items.csv", format: csv, joinOn: item}]
    label: {column: click}
    features: FEATURES
    user: user
    time: time
    split: {strategy: Temporal}
  models:
    - {name: DeepFM, architecture: deepfm, parameters: {epochs: 4, batch_size: 128, learning_rate: "0.01"}}
    - {name: SIN, architecture: sin, parameters: {epochs: 3, batch_size: 128, learning_rate: "0.01"}}
  analysis: {metrics: [auc, logloss, gauc]}
"""


def write_files(folder: Path) -> None:
    """Write clicks that depend on the combination of item category and shop, which only the cross feature contains."""
    random = np.random.default_rng(5)
    item, shop = random.integers(ITEMS, size=ROWS), random.integers(SHOPS, size=ROWS)
    click = random.random(ROWS) < np.where((item % 3 + shop) % 2 == 0, 0.8, 0.2)
    lines = [
        f"u{random.integers(USERS)},i{item[row]},s{shop[row]},{random.lognormal():.2f},"
        f"t{row % 5}|t{row % 3},{row // 2},{int(click[row])},i{row % 7}^i{row % 90},{row // 2 - 9}^{row // 2 - 1},"
        f"t{row % 3},t{row % 4},{row % 5} -{row % 3}"
        for row in range(ROWS)
    ]
    (folder / "rows.csv").write_text(
        "\n".join(["user,item,shop,price,tags,time,click,listed,listed_at,slot_0,slot_1,image", *lines]) + "\n"
    )
    items = [f"i{index},c{index % 3}" for index in range(ITEMS)]
    (folder / "items.csv").write_text("\n".join(["item,category", *items]) + "\n")
    vectors = random.normal(size=(SHOPS - 1, 4)).tolist()
    pq.write_table(
        pa.table({"shop": [f"s{index}" for index in range(SHOPS - 1)], "vector": vectors}), folder / "vectors.parquet"
    )


@pytest.mark.parametrize("model", ["DeepFM", "SIN"])
def test_a_model_learns_from_every_kind_of_feature_and_writes_a_record(model: str, tmp_path: Path) -> None:
    write_files(tmp_path)
    text = MANIFEST.replace("features: FEATURES", "features:" + FEATURES.replace("\n", "\n      "))
    (experiment,) = parse_manifests(text.replace("FOLDER", tmp_path.as_uri()), "every-kind.yaml")
    assert isinstance(experiment, Experiment)
    plan = Plan.from_experiment(experiment)
    key, store = (
        ExperimentKey.for_local_run(experiment.metadata, plan.digest),
        open_store((tmp_path / "store").as_uri()),
    )
    folder = store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    data = prepare(plan, store, key)
    for name in plan.names:
        folder.put(ObjectKey.study(name), untuned_record(plan, name, data.digest).to_json().encode())

    schema, train, _ = open_train_valid(store, data)
    kinds = {feature.kind for feature in schema.features}
    assert kinds == {"categorical", "numeric", "multicategorical", "history", "gaps", "vector"}
    assert train.histories["seen_categories"].lookup is not None
    assert train.stored_histories["listed_categories"].lookup is not None

    (run,) = evaluate(plan, key, store, model, [plan.final_runs()[0].seed])
    assert run.state == "Succeeded"
    predictions = pq.read_table(io.BytesIO(folder.get(ObjectKey.run(model, run.seed, 1, "predictions.parquet"))))
    assert predictions.num_rows == data.test.rows
    auc = run.metrics_test["auc"]
    assert auc is not None
    assert auc > 0.7
