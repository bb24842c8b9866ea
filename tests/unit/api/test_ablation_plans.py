"""The plan of an ablation is derived from its experiment's plan and differs from it only in the listed changes."""

from typing import Any

import pytest
from builders import (
    LEARNING_RATES,
    LR,
    categorical,
    dataset_spec,
    make_ablation,
    make_experiment,
    make_study_record,
    model_spec,
)

from ctrlab_api.ablation_plan import AblationParent, build_ablation_plan
from ctrlab_api.checks.ablation_checks import check_ablation
from ctrlab_api.plan import Plan
from ctrlab_api.records import BestChoice, StudyRecord
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_study import inherited_record

XDEEPFM = model_spec(
    "xDeepFM", parameters={"batch_size": 512}, search={**LEARNING_RATES, "dropout": {"categorical": ["0", "0.2"]}}
)


def experiment(**status: Any) -> Experiment:
    return make_experiment(
        metadata={"uid": "u1"},
        status=ExperimentStatus(**status),
        dataset=dataset_spec(features=categorical("user", "item")),
        models=[LR, XDEEPFM],
        tuning={"trials": 6, "workers": 3},
        evaluation={
            "seeds": {"count": 6, "max": 12, "base": 7},
            "precision": {"metric": "auc", "halfWidth": "0.001"},
        },
        analysis={"margin": "0.002", "compare": "AllPairs"},
    )


def ablation(*variants: dict[str, Any], **spec: Any) -> Ablation:
    return make_ablation(model="xDeepFM", variants=list(variants), **spec)


NO_CIN: dict[str, Any] = {"name": "no-cin", "remove": ["cin"]}
NO_DNN: dict[str, Any] = {"name": "no-dnn", "remove": ["dnn"]}
FAST: dict[str, Any] = {"name": "fast", "set": {"learning_rate": "0.1"}}


def plan_of(resource: Ablation, **status: Any) -> Plan:
    return build_ablation_plan(resource, AblationParent.from_experiment(experiment(**status)))


def test_data_budget_margin_and_seeds_are_those_of_the_experiment() -> None:
    parent, plan = Plan.from_experiment(experiment()), plan_of(ablation(NO_CIN))
    assert plan.dataset == parent.dataset
    assert plan.tuning == parent.tuning
    assert plan.evaluation.seeds.values() == (7, 8, 9, 10, 11, 12)
    assert plan.evaluation.precision is None
    assert plan.analysis.margin == "0.002"
    assert plan.comparisons() == (("no-cin", "xDeepFM"),)
    assert plan.names == ("xDeepFM", "no-cin")


def test_a_seed_extension_of_the_experiment_applies() -> None:
    assert len(plan_of(ablation(NO_CIN), seed_count=9).evaluation.seeds.values()) == 9


def test_explicit_seeds() -> None:
    resource = ablation(NO_CIN, seeds={"from": "Explicit", "count": 5})
    assert plan_of(resource).evaluation.seeds.values() == (7, 8, 9, 10, 11)
    resource = ablation(NO_CIN, seeds={"from": "Explicit", "count": 5, "base": 100})
    assert plan_of(resource).evaluation.seeds.values()[0] == 100


def test_the_plan_contains_the_digests_of_the_experiments_plan_and_studies() -> None:
    parent = plan_of(ablation(NO_CIN), plan_digest="sha256:p", search_digest="sha256:s").parent
    assert parent is not None
    assert (parent.experiment, parent.plan_digest, parent.search_token) == ("default/study/u1", "sha256:p", "sha256:s")
    other = plan_of(ablation(NO_CIN), plan_digest="sha256:p", search_digest="sha256:other")
    assert other.digest != plan_of(ablation(NO_CIN), plan_digest="sha256:p", search_digest="sha256:s").digest


def test_a_variant_differs_from_the_full_model_only_in_its_change() -> None:
    plan = plan_of(ablation(NO_CIN, FAST, {"name": "no-user", "dropFeatures": ["user"]}))
    full = plan.variant("xDeepFM")
    for name, change in (
        ("no-cin", {"remove": ("cin",)}),
        ("fast", {"parameters": {"batch_size": 512, "learning_rate": "0.1"}}),
        ("no-user", {"drop_features": ("user",)}),
    ):
        assert plan.variant(name) == full.model_copy(update={"name": name, **change})


def test_inheriting_needs_no_trials_and_retuning_the_budget_of_the_full_model() -> None:
    assert [plan_of(ablation(NO_CIN, FAST)).trial_budget(name) for name in ("xDeepFM", "no-cin", "fast")] == [0, 0, 0]
    retuned = plan_of(ablation(NO_CIN, FAST, hyperparameters="Retune"))
    assert [retuned.trial_budget(name) for name in retuned.names] == [6, 6, 6]
    assert retuned.variant("fast").search.keys() == {"dropout"}


def test_a_factorial_ablation_has_every_combination_once() -> None:
    plan = plan_of(ablation(NO_CIN, NO_DNN, FAST, factorial=True))
    assert plan.names == ("xDeepFM", "no-cin", "no-dnn", "fast", "no-cin-dnn")
    assert plan.variant("no-cin-dnn").remove == ("cin", "dnn")
    assert plan.parent is not None
    assert plan.parent.factorial == ("cin", "dnn")
    both = {"name": "both", "remove": ["dnn", "cin"]}
    assert plan_of(ablation(NO_CIN, both, factorial=True)).names == ("xDeepFM", "no-cin", "both", "no-dnn")


def test_a_combination_with_the_name_of_a_variant_is_rejected() -> None:
    variant = {"name": "no-cin-dnn", "dropFeatures": ["user"]}
    [problem] = check_ablation(ablation(NO_CIN, NO_DNN, variant, factorial=True), experiment())
    assert str(problem) == (
        "spec.factorial: a combination would be named 'no-cin-dnn', like a variant with another change; "
        "rename that variant"
    )


def study() -> StudyRecord:
    best = BestChoice(trial=3, parameters={"learning_rate": "1e-3", "dropout": "0.2"}, justification="Highest.")
    return make_study_record("xDeepFM", dataset_digest="d", budget=6, best=best)


def test_parameters_that_a_variant_sets_are_not_inherited() -> None:
    plan = plan_of(ablation(NO_CIN, FAST))
    records = {name: inherited_record(plan, name, "d", study()) for name in plan.names}
    assert all(record is not None and record.inherited_from == study().digest for record in records.values())
    assert records["no-cin"] is not None
    assert records["no-cin"].best.parameters == {"learning_rate": "1e-3", "dropout": "0.2"}
    assert records["fast"] is not None
    assert records["fast"].best.parameters == {"dropout": "0.2"}
    assert records["no-cin"].best.justification == (
        "Inherited from the study of xDeepFM in default/study/u1, and not tuned for no-cin. There: Highest."
    )


@pytest.mark.parametrize(
    ("variant", "data", "inherits"), [("xDeepFM", "d", True), ("xDeepFM", "other", False), ("no-cin", "d", False)]
)
def test_retuning_inherits_only_the_study_of_the_full_model_on_the_same_data(
    variant: str, data: str, inherits: bool
) -> None:
    plan = plan_of(ablation(NO_CIN, hyperparameters="Retune"))
    record = inherited_record(plan, variant, data, study())
    assert (record is not None) == inherits
    if record is not None:
        assert (record.budget, record.plan_digest, record.inherited_from) == (6, plan.digest, study().digest)


def test_an_experiment_inherits_nothing() -> None:
    assert inherited_record(Plan.from_experiment(experiment()), "xDeepFM", "d", study()) is None
