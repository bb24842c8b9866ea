"""A small experiment on MovieLens-100K as a user would write it, and waiting for its progress."""

from typing import Any

from e2e.kubectl import Kubectl, Manifest

TRIALS = 4
SEEDS = 5
MODELS = {"LR": "lr", "FM": "fm"}


def experiment(name: str, source: str, **changes: Any) -> Manifest:
    """Return an experiment with two models, some trials and five seeds; one or two minutes of training on one core."""
    search = {"learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}}}
    parameters = {"batch_size": "2048", "epochs": "3"}
    features = ("user_id", "item_id", "age", "gender", "occupation")
    spec: dict[str, Any] = {
        "dataset": {
            "source": {"uri": source, "format": "recbole"},
            "label": {"column": "rating", "positiveWhen": ">= 4"},
            "features": [{"name": feature, "type": "Categorical"} for feature in features],
            "user": "user_id",
            "time": "timestamp",
            "split": {"strategy": "Temporal", "fractions": ["0.8", "0.1", "0.1"]},
        },
        "models": [
            {"name": model, "architecture": architecture, "parameters": parameters, "search": search}
            for model, architecture in MODELS.items()
        ],
        "tuning": {"sampler": "Random", "trials": TRIALS, "workers": 1, "seed": 1},
        "evaluation": {"seeds": {"count": SEEDS, "base": 2024}},
        "analysis": {"metrics": ["auc", "logloss"], "margin": "0.001"},
        "runtime": {"resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "3Gi"}}},
        **changes,
    }
    return {"apiVersion": "ctrlab.dev/v1alpha1", "kind": "CTRExperiment", "metadata": {"name": name}, "spec": spec}


def stage(resource: Manifest) -> str:
    """Return the stage; empty before the first reconcile."""
    return str(resource.get("status", {}).get("stage", ""))


def condition(resource: Manifest, condition_type: str) -> Manifest:
    """Return a condition; empty if it does not exist."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == condition_type), {})


def wait_for_stage(team: Kubectl, name: str, *stages: str) -> Manifest:
    """Wait until the experiment is in one of these stages; fail at once if it ends in another."""

    def is_reached(resource: Manifest) -> bool:
        current = stage(resource)
        assert current in stages or current not in ("Succeeded", "Incomplete", "Failed"), (
            current,
            condition(resource, "Ready"),
        )
        return current in stages

    return team.wait(f"{name} in {' or '.join(stages)}", lambda: team.get("ctrexperiment", name), is_reached, 1800)


def running_workers(team: Kubectl, name: str, phase: str) -> list[Manifest]:
    """Return the running pods of a phase."""
    selector = f"ctrlab.dev/experiment={name},ctrlab.dev/phase={phase}"
    return [pod for pod in team.list("pods", selector) if pod["status"].get("phase") == "Running"]
