"""Measure the cost of tuning: ctrlab and FuxiCTR's tuner try the same eight configurations of DeepFM on a part of
Frappe.

Each starts from a file of rows and ends with its search, one configuration at a time on one thread: FuxiCTR with a
process per configuration, as its tuner starts them, ctrlab with one worker that prunes trials below the median. Both
stop a training after two epochs without a better AUC. They use different orders of the grid, which is a matter of luck,
so the time to the target is also given as a mean over all orders.

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
TARGET_MARGIN = 0.001
"""Difference between the default target and the lower of the two best AUCs."""


@dataclass(frozen=True)
class Trial:
    """The training of one configuration."""

    ended: float
    """Seconds since the search began."""
    auc: float
    """Best value on validation rows."""
    epochs: int


@dataclass(frozen=True)
class Search:
    """The search of one program."""

    trials: list[Trial]
    """Ordered by the time of their ends."""
    seconds: float

    def seconds_until(self, target: float) -> float:
        """Return the seconds to the end of the first trial that reaches the target; infinite if none does."""
        return next((trial.ended for trial in self.trials if trial.auc >= target), math.inf)

    def mean_seconds_until(self, target: float) -> float:
        """Return the mean of the same over all orders of the trials, each with its measured duration."""
        began = [0.0, *(trial.ended for trial in self.trials)]
        durations = [trial.ended - before for trial, before in zip(self.trials, began, strict=False)]
        reached = sum(trial.auc >= target for trial in self.trials)
        if not reached:
            return math.inf
        successful = [duration for duration, trial in zip(durations, self.trials, strict=True) if trial.auc >= target]
        # Each other trial precedes all successful ones with probability 1 / (their number + 1).
        return (sum(durations) - sum(successful)) / (reached + 1) + sum(successful) / reached


def write_rows(folder: Path) -> None:
    """Write the splits of Frappe as one CSV file each, and as one file with a column for the split."""
    source = Path(os.environ["CTRLAB_DATA"]) / "frappe" / "frappe.parquet"
    frame = pd.read_parquet(source)
    splits = [frame[frame["split"] == name].sample(count, random_state=1) for name, count in ROWS.items()]
    for name, split in zip(ROWS, splits, strict=True):
        split[["label", *FEATURES]].to_csv(folder / f"{name}.csv", index=False)
    pd.concat(splits).to_csv(folder / "rows.csv", index=False)


def experiment(folder: Path) -> dict[str, Any]:
    """Return ctrlab's specification."""
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


def run_ctrlab(folder: Path) -> Search:
    """Run until the study is frozen, without the final runs."""
    file, workspace = folder / "experiment.yaml", folder / "workspace"
    file.write_text(yaml.safe_dump(experiment(folder)))
    began = time.time()
    command = [
        str(Path(sys.executable).parent / "ctrlab"),
        "run",
        str(file),
        "--workspace",
        str(workspace),
        "--workers",
        "1",
    ]
    with (folder / "ctrlab.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            while not (studies := list(workspace.glob("**/studies/DeepFM.json"))):
                if process.poll() is not None:
                    raise SystemExit(
                        f"ctrlab ended without a frozen study:\n{(folder / 'ctrlab.log').read_text()[-2000:]}"
                    )
                time.sleep(0.2)
            ended = time.time()
        finally:
            process.terminate()
            process.wait()
    (study,) = StudyRecord.model_validate_json(studies[0].read_text()).all_studies
    trials = [
        Trial(
            ended=datetime.fromisoformat(trial.started).timestamp() + (trial.seconds or 0.0) - began,
            auc=max(trial.curve.values()),
            epochs=len(trial.curve),
        )
        for trial in study.trials
    ]
    return Search(sorted(trials, key=lambda trial: trial.ended), ended - began)


def fuxictr_configuration(folder: Path) -> dict[str, Any]:
    """Return FuxiCTR's configuration of the same search."""
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


def run_fuxictr(folder: Path, python: str) -> Search:
    """Run until the tuner returns."""
    file, script = folder / "tuner.yaml", ROOT / "bench" / "tuners" / "fuxictr_expid.py"
    file.write_text(yaml.safe_dump(fuxictr_configuration(folder)))
    (folder / "fuxictr").mkdir()
    program = (
        f"from fuxictr import autotuner\n"
        f"autotuner.grid_search(autotuner.enumerate_params({str(file)!r}), [-1], script={str(script)!r})"
    )
    # Its tuner starts `python` from the search path.
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
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", required=True, help="Python of an environment with FuxiCTR")
    parser.add_argument("--target", type=float, help=f"AUC (default: {TARGET_MARGIN} below the lower of the two best)")
    args = parser.parse_args()
    if "CTRLAB_DATA" not in os.environ:
        parser.error("CTRLAB_DATA must be a folder that contains frappe/frappe.parquet")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder)
        searches = {"ctrlab": run_ctrlab(folder), "FuxiCTR": run_fuxictr(folder, args.peers)}
    best = {name: max(trial.auc for trial in search.trials) for name, search in searches.items()}
    target = args.target or min(best.values()) - TARGET_MARGIN
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, torch {version('torch')}, {math.prod(map(len, GRID.values()))} configurations"
    )
    print(f"Target: validation AUC {target:.4f}. x: duration relative to ctrlab.\n")
    print("| program | s to the target, mean over orders | in the order used | s of the search | epochs | best AUC |")
    print("|---|---|---|---|---|---|")
    ctrlab = searches["ctrlab"]
    for name, search in searches.items():
        mean = search.mean_seconds_until(target)
        print(
            f"| {name} | {mean:.0f} (x{mean / ctrlab.mean_seconds_until(target):.1f}) "
            f"| {search.seconds_until(target):.0f} "
            f"| {search.seconds:.0f} (x{search.seconds / ctrlab.seconds:.1f}) "
            f"| {sum(trial.epochs for trial in search.trials)} | {best[name]:.4f} |"
        )
    for name, search in searches.items():
        reached = sum(trial.auc >= target for trial in search.trials)
        print(f"\n{name}: {reached} of {len(search.trials)} trials reach the target; AUCs in order:", end=" ")
        print(", ".join(f"{trial.auc:.4f}" for trial in search.trials))


if __name__ == "__main__":
    main()
