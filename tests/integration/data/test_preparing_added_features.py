"""Data sets of ablations that add features: equal to the experiment's data in every other respect, or rejected."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from builders import categorical, csv_source, dataset_spec, make_ablation, make_experiment, model_spec

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import Store, open_store
from ctrlab_trainer.data.preparation.dataset_preparation import encode_locally, prepare, prepare_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.sources.source_locations import LocatedSource

STUDY = ExperimentKey.parse("default/study/u1")
MORE = ExperimentKey.parse("default/more/u2")


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
    return make_experiment(
        metadata={"uid": "u1"},
        dataset=dataset_spec(
            source=csv_source(source.as_uri()),
            features=[*categorical("user", "item"), {"name": "seen", "type": "History", "of": "item"}],
            user="user",
            time="at",
            split={"strategy": "Temporal"},
        ),
        models=[model_spec("BST")],
    )


def ablation_plan(source: Path, *variants: dict[str, Any]) -> Plan:
    ablation = make_ablation("more", model="BST", variants=list(variants))
    return build_ablation_plan(ablation, AblationParent.from_experiment(experiment(source)))


def adding(source: Path, *features: dict[str, Any]) -> Plan:
    variants = [{"name": f"with-{feature['name']}", "addFeatures": [feature]} for feature in features]
    return ablation_plan(source, *variants)


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
    assert prepare(ablation_plan(source, {"name": "v", "dropFeatures": ["user"]}), store, MORE) == before


def test_an_ablation_uses_the_experiments_data_after_the_source_changed(source: Path, store: Store) -> None:
    before = prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    source.write_text(rows(121))
    assert prepare(ablation_plan(source, {"name": "v", "dropFeatures": ["user"]}), store, MORE) == before


def test_an_experiment_does_not_prepare_other_data_again(source: Path, store: Store) -> None:
    prepare(Plan.from_experiment(experiment(source)), store, STUDY)
    source.write_text(rows(121))
    with pytest.raises(InvalidInput, match=r"the data changed since default/study/u1 prepared them: clicks.csv had"):
        prepare(Plan.from_experiment(experiment(source)), store, STUDY)


def test_a_file_that_changes_while_it_is_read_is_rejected(source: Path, store: Store) -> None:
    def encode(dataset: Dataset, located: LocatedSource, folder: Path) -> EncodedDataset:
        encoded = encode_locally(dataset, located, folder)
        source.write_text(rows(121))
        return encoded

    with pytest.raises(InvalidInput, match=r"clicks.csv: changed while it was read"):
        prepare_dataset(experiment(source).spec.dataset, store, encode)
    assert store.list("") == []


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
    size, sha256 = len(rows()), hashlib.sha256(rows().encode()).hexdigest()
    source.write_text(rows(121))
    with pytest.raises(InvalidInput) as raised:
        prepare(plan, store, MORE)
    assert str(raised.value) == (
        "addFeatures: apart from the added features the data must equal the data of default/study/u1, but the source "
        f"has changed: clicks.csv had {size:,} bytes, SHA-256 {sha256[:12]} and has {len(rows(121)):,} bytes, SHA-256 "
        f"{hashlib.sha256(rows(121).encode()).hexdigest()[:12]} (120 rows were prepared): run the experiment again, "
        "then this ablation"
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
