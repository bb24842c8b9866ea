"""The cost of tuning: ctrlab and FuxiCTR's tuner search the same eight configurations of DeepFM on a part of Frappe.

Each begins with a file of rows and ends when its search has ended, one configuration at a time on one thread: FuxiCTR
with a process for each, as its tuner starts them, ctrlab with a worker that stays warm and gives up trials that fall
behind the median. Both stop a training after two epochs without a better AUC. They take the grid in orders of their
own, and which comes first is luck, so the time to the target is also given as a mean over all orders.

    CTRLAB_DATA=FOLDER python -m bench.tuning --peers PYTHON [--target 0.96]
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bench.tuners.settings import BATCH, EMBEDDING_DIM, EPOCHS, FEATURES, GRID, HIDDEN, PATIENCE, ROWS
from ctrlab_api.records.studies import StudyRecord

ROOT = Path(__file__).resolve().parents[1]
BELOW_THE_BEST = 0.001
"""Unless given, the target is so much below the lower of the two best AUCs."""


@dataclass(frozen=True)
class Trial:
    """One configuration."""

    ended: float
    """Seconds since the search began."""
    auc: float
    """The best on validation rows."""
    epochs: int


@dataclass(frozen=True)
class Search:
    """What one program did."""

    trials: list[Trial]
    """In the order of their ends."""
    seconds: float

    def until(self, target: float) -> float:
        """Seconds to the end of the first trial that reaches an AUC; infinite without one."""
        return next((trial.ended for trial in self.trials if trial.auc >= target), math.inf)

    def over_orders(self, target: float) -> float:
        """The same as a mean over all orders of the trials, each as long as it was."""
        began = [0.0, *(trial.ended for trial in self.trials)]
        lasted = [trial.ended - before for trial, before in zip(self.trials, began, strict=False)]
        reached = sum(trial.auc >= target for trial in self.trials)
        if not reached:
            return math.inf
        ends = [last for last, trial in zip(lasted, self.trials, strict=True) if trial.auc >= target]
        # Each other trial comes before all of those that reach it with probability 1 / (their number + 1).
        return (sum(lasted) - sum(ends)) / (reached + 1) + sum(ends) / reached


def rows(folder: Path) -> None:
    """The parts of Frappe that are used: a csv file each, and all in one with the name of the part."""
    source = Path(os.environ["CTRLAB_DATA"]) / "frappe" / "frappe.parquet"
    frame = pd.read_parquet(source)
    parts = [frame[frame["split"] == name].sample(count, random_state=1) for name, count in ROWS.items()]
    for name, part in zip(ROWS, parts, strict=True):
        part[["label", *FEATURES]].to_csv(folder / f"{name}.csv", index=False)
    pd.concat(parts).to_csv(folder / "rows.csv", index=False)


def experiment(folder: Path) -> dict[str, Any]:
    """ctrlab's specification."""
    parameters = {
        "batch_size": BATCH,
        "embedding_dim": EMBEDDING_DIM,
        "hidden_units": ",".join(map(str, HIDDEN)),
        "batch_norm": "true",
        "epochs": EPOCHS,
        "patience": PATIENCE,
    }
    search = {name: {"categorical": [str(value) for value in values]} for name, values in GRID.items()}
    return {
        "apiVersion": "ctrlab.dev/v1alpha1",
        "kind": "CTRExperiment",
        "metadata": {"name": "tuning"},
        "spec": {
            "dataset": {
                "source": {"uri": f"file://{folder}/rows.csv", "format": "csv"},
                "label": {"column": "label"},
                "features": [{"name": name, "type": "Categorical"} for name in FEATURES],
                "split": {"strategy": "Predefined", "column": "split"},
            },
            "models": [{"name": "DeepFM", "architecture": "deepfm", "parameters": parameters, "search": search}],
            "tuning": {
                "sampler": "Grid",
                "trials": math.prod(map(len, GRID.values())),
                "workers": 1,
                "pruner": {"type": "Median", "startupTrials": 2, "warmupEpochs": 2},
            },
            "analysis": {"metrics": ["auc"]},
        },
    }


def with_ctrlab(folder: Path) -> Search:
    """Until its search is frozen; the final runs that would follow are not waited for."""
    written, workspace = folder / "experiment.yaml", folder / "workspace"
    written.write_text(yaml.safe_dump(experiment(folder)))
    began = time.time()
    command = [
        str(Path(sys.executable).parent / "ctrlab"),
        "run",
        str(written),
        "--workspace",
        str(workspace),
        "--workers",
        "1",
    ]
    with (folder / "ctrlab.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            while not (found := list(workspace.glob("**/studies/DeepFM.json"))):
                if process.poll() is not None:
                    raise SystemExit(f"ctrlab ended without a search:\n{(folder / 'ctrlab.log').read_text()[-2000:]}")
                time.sleep(0.2)
            ended = time.time()
        finally:
            process.terminate()
            process.wait()
    (search,) = StudyRecord.model_validate_json(found[0].read_text()).all_studies
    trials = [
        Trial(
            ended=datetime.fromisoformat(trial.started).timestamp() + (trial.seconds or 0.0) - began,
            auc=max(trial.curve.values()),
            epochs=len(trial.curve),
        )
        for trial in search.trials
    ]
    return Search(sorted(trials, key=lambda trial: trial.ended), ended - began)


def tuner_file(folder: Path) -> dict[str, Any]:
    """FuxiCTR's specification of the same."""
    model = {
        "model_id": "DeepFM_base",
        "dataset_id": "rows",
        "model": "DeepFM",
        "model_root": str(folder / "fuxictr"),
        "metrics": ["AUC"],
        "monitor": "AUC",
        "monitor_mode": "max",
        "early_stop_patience": PATIENCE,
        "optimizer": "adam",
        "loss": "binary_crossentropy",
        "task": "binary_classification",
        "learning_rate": 0.001,
        "embedding_regularizer": 0.05,
        "net_dropout": 0.2,
        "embedding_dim": EMBEDDING_DIM,
        "hidden_units": HIDDEN,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "shuffle": True,
        "seed": 1,
        "debug_mode": False,
        "verbose": 0,
        "num_workers": 0,
    }
    data = {
        "data_root": str(folder / "fuxictr-data"),
        "data_format": "csv",
        **{f"{name}_data": str(folder / f"{name}.csv") for name in ROWS},
        "feature_cols": [{"name": name, "active": True, "dtype": "str", "type": "categorical"} for name in FEATURES],
        "label_col": {"name": "label", "dtype": "float"},
        "min_categr_count": 1,
    }
    names = {"learning_rate": "learning_rate", "embedding_l2": "embedding_regularizer", "dropout": "net_dropout"}
    return {
        "base_expid": "DeepFM_base",
        "dataset_id": "rows",
        "model_config": {"DeepFM_base": model},
        "dataset_config": {"rows": data},
        "tuner_space": {names[name]: values for name, values in GRID.items()},
    }


def with_fuxictr(folder: Path, python: str) -> Search:
    """Until its tuner returns."""
    written, script = folder / "tuner.yaml", ROOT / "bench" / "tuners" / "fuxictr_expid.py"
    written.write_text(yaml.safe_dump(tuner_file(folder)))
    (folder / "fuxictr").mkdir()
    program = (
        f"from fuxictr import autotuner\n"
        f"autotuner.grid_search(autotuner.enumerate_params({str(written)!r}), [-1], script={str(script)!r})"
    )
    # Its tuner starts the `python` that it finds in the path.
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.time()
    with (folder / "fuxictr.log").open("w") as log:
        subprocess.run([python, "-c", program], env={**os.environ, "PATH": path}, stdout=log, stderr=log, check=False)
    ended = time.time()
    results = folder / "fuxictr" / "results.jsonl"
    if not results.exists():
        raise SystemExit(f"FuxiCTR ended without a result:\n{(folder / 'fuxictr.log').read_text()[-2000:]}")
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    return Search([Trial(line["ended"] - began, line["auc"], line["epochs"]) for line in lines], ended - began)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", required=True, help="the Python of an environment that holds FuxiCTR")
    parser.add_argument("--target", type=float, help=f"AUC (default: {BELOW_THE_BEST} below the lower of the two best)")
    given = parser.parse_args()
    if "CTRLAB_DATA" not in os.environ:
        parser.error("CTRLAB_DATA must name a folder that holds frappe/frappe.parquet")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows(folder)
        found = {"ctrlab": with_ctrlab(folder), "FuxiCTR": with_fuxictr(folder, given.peers)}
    best = {name: max(trial.auc for trial in search.trials) for name, search in found.items()}
    target = given.target or min(best.values()) - BELOW_THE_BEST
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, torch {version('torch')}, {math.prod(map(len, GRID.values()))} configurations"
    )
    print(f"Target: validation AUC {target:.4f}. x: how much longer than ctrlab.\n")
    print("| program | s to the target, mean over orders | in its own order | s of the search | epochs | best AUC |")
    print("|---|---|---|---|---|---|")
    ours = found["ctrlab"]
    for name, search in found.items():
        mean = search.over_orders(target)
        print(
            f"| {name} | {mean:.0f} (x{mean / ours.over_orders(target):.1f}) "
            f"| {search.until(target):.0f} "
            f"| {search.seconds:.0f} (x{search.seconds / ours.seconds:.1f}) "
            f"| {sum(trial.epochs for trial in search.trials)} | {best[name]:.4f} |"
        )
    for name, search in found.items():
        reached = sum(trial.auc >= target for trial in search.trials)
        print(f"\n{name}: {reached} of {len(search.trials)} trials reach the target; AUCs in order:", end=" ")
        print(", ".join(f"{trial.auc:.4f}" for trial in search.trials))


if __name__ == "__main__":
    main()
