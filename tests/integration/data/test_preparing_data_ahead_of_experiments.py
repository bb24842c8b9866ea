"""`ctrlab data prepare`: the data of an experiment in a store before it runs, by this machine or by a cluster."""

import json
import sys
from pathlib import Path

import pytest
from distributed import LocalCluster

from ctrlab.cli import main
from ctrlab_api.names import ObjectKey
from ctrlab_store import FileStore


def specification(folder: Path) -> Path:
    rows = folder / "rows"
    rows.mkdir()
    for part in range(3):
        lines = [f"i{(row * 7 + part) % 5},{row % 3 % 2}" for row in range(60)]
        (rows / f"{part}.csv").write_text("\n".join(["item,click", *lines]) + "\n")
    spec = {
        "dataset": {
            "source": {"uri": rows.as_uri(), "format": "csv"},
            "label": {"column": "click"},
            "features": [{"name": "item", "type": "Categorical"}],
            "split": {"strategy": "Random"},
        },
        "models": [{"name": "LR", "architecture": "lr"}],
    }
    document = {"apiVersion": "ctrlab.dev/v1alpha1", "kind": "CTRExperiment", "metadata": {"name": "e"}, "spec": spec}
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(document))
    return path


def prepare(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["ctrlab", "data", "prepare", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def test_a_cluster_and_this_machine_prepare_one_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = str(specification(tmp_path)), tmp_path / "workspace"
    prepare(monkeypatch, file, "--workspace", str(folder))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "part\trows\tclicks"
    assert [line.split("\t")[:2] for line in said[1:4]] == [["train", "144"], ["valid", "18"], ["test", "18"]]
    digest = said[-1].split()[2]
    store = FileStore.at(folder / "store")
    assert said[-1] == f"data set {digest} in {store.uri}"
    assert store.exists(ObjectKey.dataset(digest, "prepared.json"))

    there = FileStore.at(tmp_path / "there")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as local:
        prepare(monkeypatch, file, "--store", there.uri, "--scheduler", local.scheduler_address)
    assert capsys.readouterr().out.splitlines()[:-1] == said[:-1]
    assert there.get(ObjectKey.dataset(digest, "prepared.json")) == store.get(
        ObjectKey.dataset(digest, "prepared.json")
    )
    assert there.get(ObjectKey.sealed(digest, "categorical.npy")) == store.get(
        ObjectKey.sealed(digest, "categorical.npy")
    )
