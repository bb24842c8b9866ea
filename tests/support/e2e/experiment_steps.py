"""A small experiment on MovieLens-100K as a user would write it, and looks at how it goes."""

from typing import Any

from e2e.kubectl import Kubectl, Manifest

TRIALS = 4
SEEDS = 5
MODELS = {"LR": "lr", "FM": "fm"}


def experiment(name: str, source: str, **changes: Any) -> Manifest:
    """Two models, some trials each, five seeds; a minute or two of training on one core."""
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


def stage(found: Manifest) -> str:
    """Empty before the operator has seen it."""
    return str(found.get("status", {}).get("stage", ""))


def condition(found: Manifest, kind: str) -> Manifest:
    """Empty where the condition is not there."""
    conditions = found.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == kind), {})


def until(team: Kubectl, name: str, *stages: str) -> Manifest:
    """The experiment once it is in one of these stages; an end that is none of them fails at once."""

    def arrived(found: Manifest) -> bool:
        now = stage(found)
        assert now in stages or now not in ("Succeeded", "Failed"), (now, condition(found, "Ready"))
        return now in stages

    return team.wait(f"{name} in {' or '.join(stages)}", lambda: team.get("ctrexperiment", name), arrived, 1800)


def workers(team: Kubectl, name: str, phase: str) -> list[Manifest]:
    """Its running pods of a phase."""
    selector = f"ctrlab.dev/experiment={name},ctrlab.dev/phase={phase}"
    return [pod for pod in team.list("pods", selector) if pod["status"].get("phase") == "Running"]
