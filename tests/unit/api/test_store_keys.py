"""Where each object lies: train and test under prefixes of their own, a run under variant, seed and attempt."""

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey


def test_an_experiments_objects_lie_under_namespace_name_and_uid() -> None:
    key = ExperimentKey(namespace="team", name="clicks", uid="1234")
    assert key.prefix == "team/clicks/1234"
    assert (
        ExperimentKey(namespace="team", name="clicks", uid="1234").object_key(ObjectKey.PLAN)
        == "team/clicks/1234/plan.json"
    )


def test_keys_inside_an_experiment() -> None:
    assert ObjectKey.study("SIN") == "studies/SIN.json"
    assert ObjectKey.trials_csv("SIN") == "studies/SIN.csv"
    assert ObjectKey.run("SIN", 2024, 1, "record.json") == "runs/SIN/2024/1/record.json"
    assert ObjectKey.report("abc", "report.md") == "report/abc/report.md"


def test_no_prefix_holds_both_training_and_test_rows() -> None:
    train, test = ObjectKey.dataset("abc", "train"), ObjectKey.sealed("abc")
    assert not test.startswith(ObjectKey.dataset("abc"))
    assert not train.startswith(test)
    assert train.split("/")[0] != test.split("/")[0]


def test_a_stopped_worker_never_looks_like_a_finished_one() -> None:
    assert len(set(ExitCode)) == len(ExitCode.__members__)
    assert [code for code in ExitCode if code == 0] == [ExitCode.SUCCESS]
