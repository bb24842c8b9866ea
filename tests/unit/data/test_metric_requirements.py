"""A metric that the data do not define is rejected before anything is trained."""

from pathlib import Path
from typing import Any

import pytest
from builders import categorical, csv_source, make_experiment, make_prepared_data, make_split_summary

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import FileStore
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.data.preparation.metric_requirements import require_defined_metrics

KEY = ExperimentKey.parse("default/study/u1")


def experiment(folder: Path, users: int, **changes: Any) -> Experiment:
    lines = [f"u{row % users},i{row % 7},{row % 3 == 0:d},{row}" for row in range(120)]
    (folder / "clicks.csv").write_text("\n".join(["user,item,click,at", *lines]) + "\n")
    fields: dict[str, Any] = {
        "dataset__source": csv_source((folder / "clicks.csv").as_uri()),
        "dataset__features": categorical("item"),
        "dataset__user": "user",
        "analysis": {"metrics": ["auc", "gauc"]},
    }
    return make_experiment(**(fields | changes))


@pytest.mark.parametrize("users", [1, 120])
def test_gauc_without_two_users_of_both_classes_is_rejected_by_prepare_and_warned_of(
    tmp_path: Path, users: int
) -> None:
    spec = experiment(tmp_path, users).spec
    expected = rf"gauc is undefined: .* valid has {users == 1:d} and test has {users == 1:d}; leave gauc out"
    store = FileStore.at(tmp_path / "store")
    with pytest.raises(InvalidData, match=expected) as error:
        prepare(Plan.from_experiment(experiment(tmp_path, users)), store, KEY)
    assert error.value.problems[0].where == "spec.analysis.metrics"
    assert not store.exists(KEY.object_key(ObjectKey.PREPARED))
    assert "UndefinedMetric" in {w.kind for w in inspect_dataset(spec.dataset, metrics=spec.analysis.metrics).warnings}
    assert "UndefinedMetric" not in {w.kind for w in inspect_dataset(spec.dataset, metrics=("auc",)).warnings}


def test_the_record_says_no_more_about_test_users_than_gauc_needs(tmp_path: Path) -> None:
    record = prepare(Plan.from_experiment(experiment(tmp_path, 5)), FileStore.at(tmp_path / "store"), KEY)
    assert (record.valid.users_with_both_classes or 0) > 2
    assert record.test.users_with_both_classes == 2
    assert record.train.users_with_both_classes is None


def test_data_of_earlier_versions_without_the_count_are_accepted() -> None:
    require_defined_metrics(("gauc",), make_prepared_data())
    few = make_split_summary(users_with_both_classes=1)
    with pytest.raises(InvalidData, match="and test has 1; leave"):
        require_defined_metrics(("gauc",), make_prepared_data(test=few))
    require_defined_metrics(("auc",), make_prepared_data(test=few))


CONTRADICTIONS = pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"dataset__user": "click"}, "spec.dataset.user", "'click' is the label column"),
        ({"dataset__time": "click"}, "spec.dataset.time", "'click' is the label column"),
        ({"dataset__time": "user"}, "spec.dataset.time", "'user' is the user column"),
        (
            {
                "dataset__split": {
                    "strategy": "Predefined",
                    "column": "click",
                    "values": {"train": "0", "valid": "1", "test": "2"},
                }
            },
            "spec.dataset.split.column",
            "'click' is the label column",
        ),
        (
            {"dataset__source__tables": [{"uri": "side.csv", "joinOn": "click"}]},
            "spec.dataset.source.tables[0].joinOn",
            "would reveal the label",
        ),
        (
            {"dataset__time": "at", "dataset__split": {"strategy": "LeaveLastOut"}},
            "spec.analysis.metrics",
            "a LeaveLastOut split leaves one row of each user",
        ),
    ],
)


def test_gauc_of_several_last_rows_of_each_user_is_accepted(tmp_path: Path) -> None:
    split = {"strategy": "LeaveLastOut", "count": 3}
    assert check_experiment(experiment(tmp_path, 5, dataset__time="at", dataset__split=split)) == []


@CONTRADICTIONS
def test_columns_and_metrics_that_contradict_each_other_are_rejected(
    tmp_path: Path, changes: dict[str, Any], where: str, message: str
) -> None:
    assert check_experiment(experiment(tmp_path, 5)) == []
    problems = [problem for problem in check_experiment(experiment(tmp_path, 5, **changes)) if problem.where == where]
    assert [message in problem.message for problem in problems] == [True]
