"""Groups of rows that were shown together: kept in one split on request, encoded, and rejected where incomplete."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import categorical, csv_source, make_experiment

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import FileStore
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import encode_locally, prepare
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.sources.source_locations import locate

KEY = ExperimentKey.parse("default/study/u1")
ROWS_PER_PAGE = 4
BY_GROUP = {"strategy": "Random", "by": "Group", "fractions": ["0.5", "0.25", "0.25"]}
BY_ROW = {"strategy": "Random", "fractions": ["0.5", "0.25", "0.25"]}


def experiment(folder: Path, pages: list[str] | None = None, split: Any = BY_GROUP, **changes: Any) -> Experiment:
    """Write 120 rows, four of each page view and eight of each user, and return an experiment on them."""
    pages = pages or [f"p{row // ROWS_PER_PAGE}" for row in range(120)]
    lines = [f"u{row // 8},{page},i{row % 17},{row % 3 == 0:d},{row}" for row, page in enumerate(pages)]
    (folder / "clicks.csv").write_text("\n".join(["user,page,item,click,at", *lines]) + "\n")
    fields: dict[str, Any] = {
        "dataset__source": csv_source((folder / "clicks.csv").as_uri()),
        "dataset__features": categorical("item"),
        "dataset__user": "user",
        "dataset__group": "page",
        "dataset__split": split,
        "analysis": {"metrics": ["auc", "auc_by_group"]},
    }
    return make_experiment(**(fields | changes))


def encode(dataset: Dataset, folder: Path) -> EncodedDataset:
    return encode_locally(dataset, locate(dataset.source), folder / "encoded")


def test_rows_have_the_group_of_the_source_in_every_split(tmp_path: Path) -> None:
    splits = encode(experiment(tmp_path).spec.dataset, tmp_path).splits
    page_of_group: dict[int, int] = {}
    for split in splits:
        assert split.groups is not None
        for group, row in zip(split.groups.tolist(), split.row_ids.tolist(), strict=True):
            assert page_of_group.setdefault(group, row // ROWS_PER_PAGE) == row // ROWS_PER_PAGE
        assert set(np.unique(split.groups, return_counts=True)[1]) == {ROWS_PER_PAGE}
    assert len(page_of_group) == 30


def test_a_sampled_negative_has_the_group_of_its_positive(tmp_path: Path) -> None:
    spec = experiment(tmp_path, dataset__label=None, dataset__negatives={"item": "item"}).spec
    for split in encode(spec.dataset, tmp_path).splits:
        assert split.groups is not None
        for label in (0, 1):
            assert set(np.unique(split.groups[split.labels == label], return_counts=True)[1]) == {ROWS_PER_PAGE}


def test_a_data_set_without_group_column_has_no_groups(tmp_path: Path) -> None:
    spec = experiment(tmp_path, split=BY_ROW, dataset__group=None, analysis={"metrics": ["auc"]}).spec
    encoded = encode(spec.dataset, tmp_path)
    assert all(split.groups is None for split in encoded.splits)
    assert not list(tmp_path.rglob("groups.npy"))


@pytest.mark.parametrize(("split", "separated"), [(BY_ROW, True), (BY_GROUP, False)])
def test_groups_with_rows_in_several_splits_are_reported(tmp_path: Path, split: Any, separated: bool) -> None:
    spec = experiment(tmp_path, split=split).spec
    messages = [w.message for w in inspect_dataset(spec.dataset).warnings if w.kind == "SeparatedGroups"]
    record = prepare(Plan.from_experiment(experiment(tmp_path, split=split)), FileStore.at(tmp_path / "store"), KEY)
    assert [message for message in record.warnings if "groups have rows in several splits" in message] == messages
    assert bool(messages) == separated


@pytest.mark.parametrize("value", ["", "NA"])
def test_a_missing_group_is_rejected_with_its_row(tmp_path: Path, value: str) -> None:
    pages = [f"p{row // ROWS_PER_PAGE}" for row in range(120)]
    pages[5] = value
    with pytest.raises(InvalidData, match="row 6, column page: the group is missing"):
        encode(experiment(tmp_path, pages).spec.dataset, tmp_path)


def test_a_group_of_several_users_is_rejected_where_users_cluster_the_errors(tmp_path: Path) -> None:
    pages = [f"p{row // 10}" for row in range(120)]
    spec = experiment(tmp_path, pages).spec
    with pytest.raises(InvalidData, match=r"row 9, column page: the group 'p0' has rows of the users 'u0' and 'u1'"):
        encode(spec.dataset, tmp_path)
    without_user = encode(spec.dataset.model_copy(update={"user": None}), tmp_path)
    assert all(split.groups is not None for split in without_user.splits)


def test_the_label_cannot_be_the_group(tmp_path: Path) -> None:
    problems = check_experiment(experiment(tmp_path, dataset__group="click"))
    assert [problem.where for problem in problems] == ["spec.dataset.group"]


def test_groups_of_one_row_do_not_define_auc_by_group(tmp_path: Path) -> None:
    single = experiment(tmp_path, [f"p{row}" for row in range(120)])
    expected = "auc_by_group is undefined: .* 2 groups .* valid has 0 and test has 0; leave auc_by_group out"
    with pytest.raises(InvalidData, match=expected):
        prepare(Plan.from_experiment(single), FileStore.at(tmp_path / "store"), KEY)
    dataset, metrics = single.spec.dataset, single.spec.analysis.metrics
    assert "UndefinedMetric" in {w.kind for w in inspect_dataset(dataset, metrics=metrics).warnings}


def test_the_record_counts_groups(tmp_path: Path) -> None:
    record = prepare(Plan.from_experiment(experiment(tmp_path)), FileStore.at(tmp_path / "store"), KEY)
    assert (record.train.groups, record.valid.groups, record.test.groups) == (15, 7, 8)
    assert record.test.groups_with_both_classes == 2
