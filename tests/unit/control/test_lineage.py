"""The lineage of a plan: earlier plans that had opened a test set, under any experiment name."""

from pathlib import Path
from typing import Any

import pytest
from builders import dataset_spec, make_plan, make_prepared_data, make_test_opening, make_variant

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import ParentExperiment, Plan, Variant
from ctrlab_api.records import FileDigest, Lineage, PreparedData
from ctrlab_control.plan_freezing import freeze_plan
from ctrlab_store import Store, open_store

DATASET = dataset_spec(source={"uri": "file:///data/clicks.csv", "format": "csv"})


def plan(*variants: Variant, margin: str = "0.001", parent: ParentExperiment | None = None) -> Plan:
    return make_plan(*variants, parent=parent, dataset=DATASET, analysis={"margin": margin})


def model(name: str, architecture: str = "deepfm", **more: Any) -> Variant:
    return make_variant(name, architecture, **more)


def prepared(data: str = "d", files: str = "f") -> PreparedData:
    source = FileDigest(name="clicks.csv", bytes=1, sha256=f"sha256:{files}")
    return make_prepared_data(digest=f"sha256:{data}", sources=(source,))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "store").as_uri())


def add_experiment_with_opening(
    store: Store, name: str, uid: str, plan: Plan, data: PreparedData | None = None
) -> None:
    """Add an experiment whose final run opened the test rows."""
    folder = store.below(f"default/{name}/{uid}")
    freeze_plan(store, ExperimentKey.parse(f"default/{name}/{uid}"), plan)
    folder.put(ObjectKey.PREPARED, (data or prepared()).to_json().encode())
    opening = make_test_opening(plan_digest=plan.digest)
    folder.put(ObjectKey.run(plan.names[0], 1, 1, "opening.json"), opening.to_json().encode())


def lineage_after_freezing(store: Store, name: str, uid: str, plan: Plan) -> Lineage:
    freeze_plan(store, ExperimentKey.parse(f"default/{name}/{uid}"), plan)
    return Lineage.model_validate_json(store.get(f"default/{name}/{uid}/{ObjectKey.LINEAGE}"))


def test_a_changed_plan_of_the_same_name_lists_the_previous_one(store: Store) -> None:
    add_experiment_with_opening(store, "clicks", "1", plan(model("A"), model("B")))
    [earlier] = lineage_after_freezing(
        store, "clicks", "2", plan(model("A"), model("C", "dcnv2"), margin="0.002")
    ).earlier
    assert (earlier.uid, earlier.experiment, earlier.openings) == ("1", None, 1)


def test_another_name_does_not_hide_a_model_that_was_tested_before(store: Store) -> None:
    first = plan(model("A"), model("B", "dcnv2"))
    add_experiment_with_opening(store, "clicks", "1", first)
    lineage = lineage_after_freezing(store, "fresh-start", "2", plan(model("New", "dcnv2"), model("C", "din")))
    [earlier] = lineage.earlier
    assert (earlier.experiment, earlier.shared_models) == ("clicks", ("New",)), "renamed, and the same model"
    assert lineage.plans_that_opened(prepared()) == (earlier,)
    assert lineage.plans_that_opened(prepared(data="other features")) == (earlier,), "the rows are the same"
    assert lineage.plans_that_opened(prepared(data="other", files="other")) == ()


def test_other_models_and_unopened_experiments_do_not_count(store: Store) -> None:
    add_experiment_with_opening(store, "clicks", "1", plan(model("A")))
    lineage_after_freezing(store, "planned", "2", plan(model("B", "dcnv2")))
    assert lineage_after_freezing(store, "others", "3", plan(model("B", "dcnv2"))).earlier == ()


def test_an_ablation_does_not_list_its_experiment_but_inherits_its_lineage(store: Store) -> None:
    first = plan(model("A"))
    add_experiment_with_opening(store, "clicks", "1", first)
    second = plan(model("A"), model("B", "dcnv2"))
    add_experiment_with_opening(store, "clicks", "2", second)
    parent = ParentExperiment(
        experiment="default/clicks/2",
        plan_digest=second.digest,
        search_token="t",
        model="B",
        hyperparameters="Inherit",
    )
    ablation = plan(model("B", "dcnv2"), model("no-cross", "dcnv2", remove=("cross",)), parent=parent)
    [earlier] = lineage_after_freezing(store, "parts", "3", ablation).earlier
    assert (earlier.experiment, earlier.uid, earlier.shared_models) == ("clicks", "1", ("B",))


def test_a_repeated_ablation_under_another_name_counts(store: Store) -> None:
    parent_plan = plan(model("B", "dcnv2"))
    add_experiment_with_opening(store, "clicks", "1", parent_plan)
    parent = ParentExperiment(
        experiment="default/clicks/1",
        plan_digest=parent_plan.digest,
        search_token="t",
        model="B",
        hyperparameters="Inherit",
    )
    no_cross = model("no-cross", "dcnv2", remove=("cross",))
    add_experiment_with_opening(store, "parts", "2", plan(model("B", "dcnv2"), no_cross, parent=parent))
    other = plan(model("B", "dcnv2"), model("no-deep", "dcnv2", remove=("deep",)), parent=parent)
    assert lineage_after_freezing(store, "other-parts", "3", other).earlier == (), (
        "only the full model is shared, and it is reused"
    )
    repeated = plan(model("B", "dcnv2"), no_cross, margin="0.002", parent=parent)
    assert [earlier.experiment for earlier in lineage_after_freezing(store, "parts-again", "4", repeated).earlier] == [
        "parts"
    ]
