"""FuxiCTR's models as `spec.models`: those that are here as well, with the parameters that mean the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ctrlab.importers.fuxictr.config_files import Settings
from ctrlab_api.architectures import ARCHITECTURES

NAMES: Final = {declared.title.lower().replace("&", ""): name for name, declared in ARCHITECTURES.items()}
"""FuxiCTR's name in small letters -> architecture."""

PARAMETERS: Final = {
    "learning_rate": "learning_rate",
    "batch_size": "batch_size",
    "epochs": "epochs",
    "embedding_dim": "embedding_dim",
    "embedding_regularizer": "embedding_l2",
    "regularizer": "embedding_l2",
    "optimizer": "optimizer",
    "early_stop_patience": "patience",
    "patience": "patience",
    "max_gradient_norm": "clip_norm",
    "dnn_hidden_units": "hidden_units",
    "hidden_units": "hidden_units",
    "dnn_activations": "activation",
    "hidden_activations": "activation",
    "net_dropout": "dropout",
    "batch_norm": "batch_norm",
    "num_cross_layers": "cross_layers",
    "num_crossing_layers": "cross_layers",
    "crossing_layers": "cross_layers",
    "cin_layer_units": "cin_units",
    "cin_hidden_units": "cin_units",
    "attention_layers": "attention_layers",
    "attention_dim": "attention_dim",
    "num_heads": "heads",
    "logarithmic_neurons": "logarithmic_neurons",
    "reduction_ratio": "reduction_ratio",
}
"""Parameter of FuxiCTR -> parameter of an architecture, where it has it."""

OF_AFN: Final = {
    "afn_hidden_units": "hidden_units",
    "afn_activations": "activation",
    "afn_dropout": "dropout",
    "dnn_hidden_units": "",
    "dnn_activations": "",
    "dnn_dropout": "",
}
"""AFN has two perceptrons in FuxiCTR, and AFN+ two of one shape here."""

OF_THE_PROCESS: Final = frozenset(
    {
        "model",
        "ensemble_dnn",
        "model_id",
        "dataset_id",
        "group_id",
        "model_root",
        "num_workers",
        "verbose",
        "pickle_feature_encoder",
    }
    | {"save_best_only", "eval_steps", "eval_epochs", "debug_mode", "debug", "gpu", "seed", "task", "loss", "metrics"}
    | {"shuffle", "monitor", "monitor_mode", "use_features", "use_hdf5", "workers", "feature_specs", "every_x_epochs"}
    | {"train_data", "valid_data", "test_data", "tensorboard", "partition_block_size", "version"}
)
"""What chooses the architecture, and settings of a run that an experiment fixes for all of its models."""


MOST_MODELS: Final = 20
"""Of an experiment."""
NOTHING: Final[tuple[object, ...]] = (None, 0, False, [], "none")
"""Values of a parameter that say that a part is not there."""


@dataclass(frozen=True)
class ImportedModels:
    """`spec.models`, and what has no counterpart."""

    models: list[dict[str, Any]]
    notes: tuple[str, ...]


def import_models(given: Mapping[str, Settings]) -> ImportedModels:
    """Those with an architecture here; FM and DeepFM where none has one."""
    models: list[dict[str, Any]] = []
    notes: list[str] = []
    for name, settings in given.items():
        architecture = _architecture(settings)
        if architecture is None:
            notes.append(f"model {name}: there is no architecture {settings.get('model')!r} here; left out")
            continue
        declared = ARCHITECTURES[architecture]
        if declared.needs_history:
            notes.append(
                f"model {name}: {declared.title} is left out, as it needs a History; with user and time in the data "
                "set, add {type: History, of: ITEM} and the model"
            )
            continue
        parameters, left = _parameters(architecture, settings)
        taken = {model["name"] for model in models}
        title = declared.title.replace("&", "")
        unique = title.replace("+", "Plus") if title.replace("+", "Plus") not in taken else _plain(name)
        models.append(
            {"name": unique, "architecture": architecture, **({"parameters": parameters} if parameters else {})}
        )
        if left:
            notes.append(f"model {name}: {', '.join(left)} left out")
    if len(models) > MOST_MODELS:
        notes.append(
            f"{len(models) - MOST_MODELS} models after {models[MOST_MODELS - 1]['name']} left out: a search of an "
            "experiment stands for a grid of entries; see searchSpace"
        )
        models = models[:MOST_MODELS]
    if not models:
        notes.append("no model is taken over: FM and DeepFM stand in with their own parameters")
        models = [{"name": "FM", "architecture": "fm"}, {"name": "DeepFM", "architecture": "deepfm"}]
    return ImportedModels(models, tuple(notes))


def _architecture(settings: Settings) -> str | None:
    found = NAMES.get(str(settings.get("model")).lower())
    if found == "autoint" and settings.get("dnn_hidden_units"):
        return "autoint_plus"
    if found == "afn" and settings.get("ensemble_dnn"):
        return "afn_plus"
    return found


def _parameters(architecture: str, settings: Settings) -> tuple[dict[str, int | str], list[str]]:
    """Those that the architecture takes, and the keys of the others that are set."""
    declared = ARCHITECTURES[architecture]
    names = PARAMETERS | OF_AFN if architecture.startswith("afn") else PARAMETERS
    found: dict[str, int | str] = {}
    left: list[str] = []
    for key, value in settings.items():
        name = names.get(key)
        scalar = "0" if value is None and name == "embedding_l2" else _scalar(value)
        if name in declared.model_fields and scalar is not None:
            try:
                declared.model_validate({name: scalar})
                found[name] = scalar
            except ValidationError:
                left.append(f"{key} ({value})")
        elif key not in OF_THE_PROCESS and value not in NOTHING:
            left.append(key)
    return found, left


def _scalar(value: Any) -> int | str | None:
    """As a specification writes it: an integer, or text; None for what it cannot write."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(width, int) for width in value):
        return ",".join(map(str, value))
    if isinstance(value, str):
        penalty = re.fullmatch(r"l2\((.+)\)", value.strip())
        return penalty[1] if penalty else value.strip().lower()
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40].strip("-")
