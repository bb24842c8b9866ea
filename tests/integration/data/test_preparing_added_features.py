"""Data sets of ablations that add features: equal to the experiment's data in every other respect, or rejected."""

import json
from pathlib import Path
from typing import Any

import pytest

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import Store, open_store
from ctrlab_trainer.data.preparation.dataset_preparation import prepare

STUDY = ExperimentKey(namespace="default", name="study", uid="u1")
MORE = ExperimentKey(namespace="default", name="more", uid="u2")


def rows(count: int = 120) -> str:
    lines = [f"{i % 7},{i % 5},{i},{(i * 3) % 4 > 1:d},{i % 3},a{i % 2}|b" for i in range(count)]
    return "\n".join(["user,item,at,click,shop,tags", *lines]) + "\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.csv"
    path.write_text(rows())
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "store").as_uri())


def experiment(source: Path) -> Experiment:
    spec = {
        "dataset": {
            "source": {"uri": source.as_uri(), "format": "csv"},
            "label": {"column": "click"},
            "features": [
                {"name": "user", "type": "Categorical"},
                {"name": "item", "type": "Categorical"},
                {"name": "seen", "type": "History", "of": "item"},
            ],
            "user": "user",
            "time": "at",
            "split": {"strategy": "Temporal"},
        },
        "models": [{"name": "BST", "architecture": "bst"}],
    }
    metadata = {"name": "study", "uid": "u1"}
    return Experiment.model_validate_json(json.dumps({"metadata": metadata, "spec": spec}))


def adding(source: Path, *features: dict[str, Any]) -> Plan:
    variants = [{"name": f"with-{feature['name']}", "addFeatures": [feature]} for feature in features]
    spec = {"experimentRef": {"name": "study"}, "model": "BST", "variants": variants}
    ablation = Ablation.model_validate_json(json.dumps({"metadata": {"name": "more", "uid": "u2"}, "spec": spec}))
    return build_ablation_plan(ablation, AblationParent.from_experiment(experiment(source)))


SHOP = {"name": "shop", "type": "Categorical"}
TAGS = {"name": "tags", "type": "MultiCategorical", "separator": "|"}
VISITED = {"name": "visited", "type": "History", "of": "user"}


def test_rows_and_other_features_are_bit_identical_to_the_experiments(source: Path, store: Store) -> None:
    before = prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    after = prepare(adding(source, SHOP, TAGS, VISITED), store, MORE)
    assert before.extends is None
    assert after.extends is not None
    assert after.extends.experiment == "default/study/u1"
    assert after.extends.dataset_digest == before.digest != after.digest
    assert after.extends.added_features == ("shop", "tags", "visited")
    for original, extended in ((before.train, after.train), (before.valid, after.valid), (before.test, after.test)):
        assert original.features is not None
        assert extended.features is not None
        assert original.features.keys() == {"user", "item", "seen"}
        assert original.features.items() < extended.features.items()
    assert PreparedData.model_validate_json(store.below(MORE.prefix).get(ObjectKey.PREPARED)) == after


def test_an_ablation_without_added_features_uses_the_experiments_data_set(source: Path, store: Store) -> None:
    before = prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    spec = {"experimentRef": {"name": "study"}, "model": "BST", "variants": [{"name": "v", "dropFeatures": ["user"]}]}
    ablation = Ablation.model_validate_json(json.dumps({"metadata": {"name": "more"}, "spec": spec}))
    assert (
        prepare(build_ablation_plan(ablation, AblationParent.from_experiment(experiment(source))), store, MORE)
        == before
    )


def test_a_missing_column_is_reported_at_the_field_of_the_variant(source: Path, store: Store) -> None:
    prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    with pytest.raises(InvalidInput) as raised:
        prepare(adding(source, SHOP, {"name": "price", "type": "Numeric"}), store, MORE)
    (problem,) = raised.value.problems
    assert str(problem) == (
        "addFeatures (price).name: clicks.csv has no column 'price'; known: user, item, at, click, shop, tags"
    )


def test_a_source_that_has_changed_is_rejected(source: Path, store: Store) -> None:
    prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    plan = adding(source, SHOP)
    source.write_text(rows(121))
    with pytest.raises(InvalidInput) as raised:
        prepare(plan, store, MORE)
    assert str(raised.value) == (
        "addFeatures: apart from the added features the data must equal the data of default/study/u1, but the source "
        "has changed: run the experiment again, then this ablation"
    )
    assert not store.below(MORE.prefix).exists(ObjectKey.PREPARED)


def test_different_rows_and_values_are_reported(source: Path, store: Store) -> None:
    record = prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    assert record.train.features is not None
    changed = record.model_copy(
        update={
            "train": record.train.model_copy(update={"features": {**record.train.features, "item": "sha256:0"}}),
            "valid": record.valid.model_copy(update={"row_ids_digest": "sha256:0"}),
            "test": record.test.model_copy(update={"features": None}),
        }
    )
    store.below(STUDY.prefix).replace(ObjectKey.PREPARED, changed.to_json().encode())
    with pytest.raises(InvalidInput) as raised:
        prepare(adding(source, SHOP), store, MORE)
    message = str(raised.value)
    assert "item has different values in train; valid has different rows; its test rows were prepared by" in message
