"""Final runs of an ablation: what of the experiment is taken over, when it is not, and when test stays closed."""

import json
from typing import Any

import pytest

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, StudyRecord, search_token
from ctrlab_api.resources.ablation import Ablation
from ctrlab_store import Store
from ctrlab_study import inherited_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.finals.seal import SealError

Prepared = Any
"""What the fixture `prepared` gives."""
NO_FM = {"name": "no-fm", "remove": ["fm"]}
SEGMENT = {"name": "segment", "type": "Categorical"}


def planned(
    experiment: Prepared, token: str, *variants: dict[str, Any], name: str = "parts"
) -> tuple[Plan, ExperimentKey]:
    """The plan of an ablation of DeepFM, with plan, data and inherited searches in its folder."""
    spec = {"experimentRef": {"name": "small"}, "model": "DeepFM", "variants": list(variants)}
    asked = Ablation.model_validate_json(json.dumps({"metadata": {"name": name}, "spec": spec}))
    parent = AblationParent(experiment.key, experiment.plan, experiment.plan.digest, token, 5)
    plan, key = build_ablation_plan(asked, parent), ExperimentKey(namespace="default", name=name, uid="u2")
    folder: Store = experiment.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    data = prepare(plan, experiment.store, key)
    full = StudyRecord.model_validate_json(experiment.folder.get(ObjectKey.study("DeepFM")))
    for variant in plan.names:
        search = inherited_record(plan, variant, data.digest, full)
        assert search is not None
        folder.put(ObjectKey.study(variant), search.to_json().encode())
    return plan, key


def openings(experiment: Prepared, key: ExperimentKey) -> list[str]:
    return [name for name in experiment.store.below(key.prefix).list("runs/") if name.endswith("opening.json")]


def test_a_run_of_the_experiment_is_taken_over_and_test_stays_closed(prepared: Prepared) -> None:
    token = prepared.freeze()
    [before] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    plan, key = planned(prepared, token, NO_FM)
    [after] = evaluate(plan, key, prepared.store, "DeepFM", [10])
    assert after.reused_from is not None
    assert after.reused_from.experiment == prepared.key.prefix
    assert (after.metrics_test, after.model_sha256) == (before.metrics_test, before.model_sha256)
    assert not openings(prepared, key)


def test_a_seed_that_the_experiment_has_not_run_is_run(prepared: Prepared) -> None:
    token = prepared.freeze()
    plan, key = planned(prepared, token, NO_FM)
    [found] = evaluate(plan, key, prepared.store, "DeepFM", [11])
    assert found.reused_from is None


def test_with_other_data_the_full_model_is_run_again_and_is_the_same_in_every_bit(prepared: Prepared) -> None:
    token = prepared.freeze()
    [before] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    plan, key = planned(prepared, token, {"name": "more", "addFeatures": [SEGMENT]})
    [after] = evaluate(plan, key, prepared.store, "DeepFM", [10])
    assert after.reused_from is None
    assert after.dataset_digest != before.dataset_digest
    assert len(after.openings) == 1
    assert (after.model_sha256, after.predictions_sha256) == (before.model_sha256, before.predictions_sha256)
    assert (after.metrics_test, after.parameters) == (before.metrics_test, before.parameters)


def test_a_variant_with_more_features_has_their_rows_and_says_so(prepared: Prepared) -> None:
    token = prepared.freeze()
    visited = {"name": "visited", "type": "Categorical", "column": "category"}
    plan, key = planned(
        prepared, token, {"name": "more", "addFeatures": [SEGMENT]}, {"name": "v", "addFeatures": [visited]}
    )
    [found] = evaluate(plan, key, prepared.store, "more", [10])
    data = PreparedData.model_validate_json(prepared.store.below(key.prefix).get(ObjectKey.PREPARED))
    assert found.change is not None
    assert found.change.added_features == ("segment",)
    width = found.config["embedding_dim"]
    added = data.vocabulary["segment"] * (width + 1) + width * 8
    assert found.change.parameters_variant - found.change.parameters_full == added
    assert len(found.change.reshaped) == 3, "both tables and the first layer of the perceptron"


def test_another_search_of_the_experiment_than_the_plan_names_keeps_test_closed(prepared: Prepared) -> None:
    token = prepared.freeze()
    plan, key = planned(prepared, token, NO_FM)
    changed = StudyRecord.model_validate_json(prepared.folder.get(ObjectKey.study("SIN")))
    changed = changed.model_copy(update={"seconds": changed.seconds + 1, "sampler_seed": 99})
    prepared.folder.replace(ObjectKey.study("SIN"), changed.to_json().encode())
    records = [
        StudyRecord.model_validate_json(prepared.folder.get(ObjectKey.study(name))) for name in prepared.plan.names
    ]
    assert search_token(records) != token
    with pytest.raises(
        SealError, match=f"the frozen studies of {prepared.key.prefix} have the token .*, but this plan was made"
    ):
        evaluate(plan, key, prepared.store, "no-fm", [10])
    assert not openings(prepared, key)


def test_an_open_search_of_the_experiment_keeps_test_closed(prepared: Prepared) -> None:
    token = prepared.freeze("DeepFM", "Wild")
    plan, key = planned(prepared, token, NO_FM)
    message = f"the test set is sealed until every study of {prepared.key.prefix} is frozen, too"
    with pytest.raises(SealError, match=message):
        evaluate(plan, key, prepared.store, "no-fm", [10])
    assert not openings(prepared, key)
