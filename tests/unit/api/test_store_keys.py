"""Keys of objects in the store: train and test under separate prefixes, a run under variant, seed and attempt."""

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey, RunFile

KEY = ExperimentKey(namespace="team", name="clicks", uid="1234")


def test_objects_of_an_experiment_are_below_namespace_name_and_uid() -> None:
    assert KEY.prefix == str(KEY) == "team/clicks/1234"
    assert KEY.object_key(ObjectKey.PLAN) == "team/clicks/1234/plan.json"


def test_a_key_is_parsed_from_its_text() -> None:
    assert ExperimentKey.parse("team/clicks/1234") == KEY


@pytest.mark.parametrize("text", ["", "clicks", "team/clicks", "team//1234", "team/clicks/1234/plan.json"])
def test_a_key_of_another_form_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="expected NAMESPACE/NAME/UID, not "):
        ExperimentKey.parse(text)


@pytest.mark.parametrize("root", ["s3://bucket", "s3://bucket/prefix", "file:///data/store"])
def test_a_folder_uri_is_split_into_root_and_key(root: str) -> None:
    assert ExperimentKey.split_folder_uri(f"{root}/team/clicks/1234/") == (root, KEY)


def test_a_uri_above_the_folder_of_an_experiment_is_rejected() -> None:
    with pytest.raises(ValueError, match="ends in NAMESPACE/NAME/UID"):
        ExperimentKey.split_folder_uri("s3://bucket/team/clicks")


def test_keys_inside_an_experiment() -> None:
    assert ObjectKey.study("SIN") == "studies/SIN.json"
    assert ObjectKey.trials_csv("SIN") == "studies/SIN.csv"
    assert ObjectKey.run("SIN", 2024, 1, RunFile.RECORD) == "runs/SIN/2024/1/record.json"
    assert ObjectKey.starts("SIN", 2024, RunFile.start(2)) == "runs/SIN/2024/starts/2.json"
    assert ObjectKey.starts("SIN", 2024, RunFile.end(2)) == "runs/SIN/2024/starts/2-end.json"
    assert ObjectKey.report("abc", "report.md") == "report/abc/report.md"


def test_no_prefix_contains_both_training_and_test_rows() -> None:
    train, test = ObjectKey.dataset("abc", "train"), ObjectKey.sealed("abc")
    assert not test.startswith(ObjectKey.dataset("abc"))
    assert not train.startswith(test)
    assert train.split("/")[0] != test.split("/")[0]


def test_a_stopped_worker_never_exits_like_a_finished_one() -> None:
    assert len(set(ExitCode)) == len(ExitCode.__members__)
    assert [code for code in ExitCode if code == 0] == [ExitCode.SUCCESS]
