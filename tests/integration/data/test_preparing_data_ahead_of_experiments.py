"""`ctrlab data prepare`: prepares the data of an experiment before it runs, on this machine or on a Dask cluster."""

import json
from pathlib import Path

import pytest
from builders import categorical, csv_source, dataset_spec, experiment_manifest
from command_line import ctrlab
from distributed import LocalCluster

from ctrlab_api.names import ObjectKey
from ctrlab_store import FileStore


def specification(folder: Path) -> Path:
    rows = folder / "rows"
    rows.mkdir()
    for file in range(3):
        lines = [f"i{(row * 7 + file) % 5},{row % 3 % 2}" for row in range(60)]
        (rows / f"{file}.csv").write_text("\n".join(["item,click", *lines]) + "\n")
    dataset = dataset_spec(source=csv_source(rows.as_uri()), features=categorical("item"))
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(experiment_manifest(dataset=dataset)))
    return path


def prepare(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    assert ctrlab(monkeypatch, "data", "prepare", *arguments) == 0


def test_a_cluster_prepares_the_same_data_set_as_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = str(specification(tmp_path)), tmp_path / "workspace"
    prepare(monkeypatch, file, "--workspace", str(folder))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "split\trows\tclicks"
    assert [line.split("\t")[:2] for line in lines[1:4]] == [["train", "144"], ["valid", "18"], ["test", "18"]]
    digest = lines[-1].split()[2]
    store = FileStore.at(folder / "store")
    assert lines[-1] == f"data set {digest} in {store.uri}"
    assert store.exists(ObjectKey.dataset(digest, "prepared.json"))

    remote = FileStore.at(tmp_path / "remote")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as local:
        prepare(monkeypatch, file, "--store", remote.uri, "--scheduler", local.scheduler_address)
    assert capsys.readouterr().out.splitlines()[:-1] == lines[:-1]
    assert remote.get(ObjectKey.dataset(digest, "prepared.json")) == store.get(
        ObjectKey.dataset(digest, "prepared.json")
    )
    assert remote.get(ObjectKey.sealed(digest, "categorical.npy")) == store.get(
        ObjectKey.sealed(digest, "categorical.npy")
    )
