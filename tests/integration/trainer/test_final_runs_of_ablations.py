"""Final runs of ablations: reuse of the experiment's runs, and when the test set stays sealed."""

from typing import Any

import pytest
from builders import make_ablation

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, StudyRecord, search_token
from ctrlab_store import Store
from ctrlab_study import inherited_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.finals.seal import SealError

Prepared = Any
"""The type of the fixture `prepared`."""
NO_FM = {"name": "no-fm", "remove": ["fm"]}
SEGMENT = {"name": "segment", "type": "Categorical"}


def plan_ablation(
    experiment: Prepared, token: str, *variants: dict[str, Any], name: str = "parts"
) -> tuple[Plan, ExperimentKey]:
    """Write plan, data and inherited studies of an ablation of DeepFM, and return plan and key."""
    ablation = make_ablation(name, experimentRef={"name": "small"}, model="DeepFM", variants=list(variants))
    parent = AblationParent(experiment.key, experiment.plan, experiment.plan.digest, token, 5)
    plan, key = build_ablation_plan(ablation, parent), ExperimentKey.parse(f"default/{name}/u2")
    folder: Store = experiment.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    data = prepare(plan, experiment.store, key)
    full = StudyRecord.model_validate_json(experiment.folder.get(ObjectKey.study("DeepFM")))
    for variant in plan.names:
        study = inherited_record(plan, variant, data.digest, full)
        assert study is not None
        folder.put(ObjectKey.study(variant), study.to_json().encode())
    return plan, key


def openings(experiment: Prepared, key: ExperimentKey) -> list[str]:
    return [name for name in experiment.store.below(key.prefix).list("runs/") if name.endswith("opening.json")]


def test_a_run_of_the_experiment_is_reused_and_the_test_set_stays_sealed(prepared: Prepared) -> None:
    token = prepared.freeze()
    [before] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    plan, key = plan_ablation(prepared, token, NO_FM)
    [after] = evaluate(plan, key, prepared.store, "DeepFM", [10])
    assert after.reused_from is not None
    assert after.reused_from.experiment == prepared.key.prefix
    assert (after.metrics_test, after.model_sha256) == (before.metrics_test, before.model_sha256)
    assert not openings(prepared, key)


def test_a_seed_that_the_experiment_lacks_is_trained(prepared: Prepared) -> None:
    token = prepared.freeze()
    plan, key = plan_ablation(prepared, token, NO_FM)
    [record] = evaluate(plan, key, prepared.store, "DeepFM", [11])
    assert record.reused_from is None


def test_with_other_data_the_full_model_is_retrained_and_bit_equal(prepared: Prepared) -> None:
    token = prepared.freeze()
    [before] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    plan, key = plan_ablation(prepared, token, {"name": "more", "addFeatures": [SEGMENT]})
    [after] = evaluate(plan, key, prepared.store, "DeepFM", [10])
    assert after.reused_from is None
    assert after.dataset_digest != before.dataset_digest
    assert len(after.openings) == 1
    assert (after.model_sha256, after.predictions_sha256) == (before.model_sha256, before.predictions_sha256)
    assert (after.metrics_test, after.parameters) == (before.metrics_test, before.parameters)


def test_a_variant_with_more_features_has_their_rows_and_records_them(prepared: Prepared) -> None:
    token = prepared.freeze()
    visited = {"name": "visited", "type": "Categorical", "column": "category"}
    plan, key = plan_ablation(
        prepared, token, {"name": "more", "addFeatures": [SEGMENT]}, {"name": "v", "addFeatures": [visited]}
    )
    [record] = evaluate(plan, key, prepared.store, "more", [10])
    data = PreparedData.model_validate_json(prepared.store.below(key.prefix).get(ObjectKey.PREPARED))
    assert record.change is not None
    assert record.change.added_features == ("segment",)
    width = record.config["embedding_dim"]
    added = data.vocabulary["segment"] * (width + 1) + width * 8
    assert record.change.parameters_variant - record.change.parameters_full == added
    assert len(record.change.reshaped) == 3, "both tables and the first layer of the MLP"


def test_a_study_of_the_experiment_that_differs_from_the_plan_keeps_the_seal(prepared: Prepared) -> None:
    token = prepared.freeze()
    plan, key = plan_ablation(prepared, token, NO_FM)
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


def test_an_open_study_of_the_experiment_keeps_the_seal(prepared: Prepared) -> None:
    token = prepared.freeze("DeepFM", "Wild")
    plan, key = plan_ablation(prepared, token, NO_FM)
    message = f"the test set is sealed until every study of {prepared.key.prefix} is frozen, too"
    with pytest.raises(SealError, match=message):
        evaluate(plan, key, prepared.store, "no-fm", [10])
    assert not openings(prepared, key)
