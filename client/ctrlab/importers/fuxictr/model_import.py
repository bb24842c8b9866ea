"""Converts FuxiCTR's models to `spec.models`: those with an architecture in ctrlab, with the equivalent parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ctrlab.importers.fuxictr.config_files import Settings
from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.resources.experiment import MAX_MODELS

ARCHITECTURES_BY_TITLE: Final = {
    architecture.title.lower().replace("&", ""): name for name, architecture in ARCHITECTURES.items()
}
"""FuxiCTR's model name in lower case -> architecture."""

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
"""FuxiCTR's parameter -> parameter of an architecture that has it."""

AFN_PARAMETERS: Final = {
    "afn_hidden_units": "hidden_units",
    "afn_activations": "activation",
    "afn_dropout": "dropout",
    "dnn_hidden_units": "",
    "dnn_activations": "",
    "dnn_dropout": "",
}
"""Parameters of AFN, which has two separately sized MLPs in FuxiCTR; here both MLPs of AFN+ have the same shape."""

IGNORED_KEYS: Final = frozenset(
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
"""Settings that select the architecture, or that an experiment fixes for all of its models."""

DISABLED_VALUES: Final[tuple[object, ...]] = (None, 0, False, [], "none")
"""Values of a parameter that switch a component off."""


@dataclass(frozen=True)
class ImportedModels:
    """`spec.models` with notes on what has no counterpart."""

    models: list[dict[str, Any]]
    notes: tuple[str, ...]


def import_models(configs: Mapping[str, Settings], *, has_history: bool = False) -> ImportedModels:
    """Convert the models whose architecture exists in ctrlab; FM and DeepFM if there is none.

    Models of sequences need a History.
    """
    models: list[dict[str, Any]] = []
    notes: list[str] = []
    for name, settings in configs.items():
        architecture = _architecture(settings)
        if architecture is None:
            notes.append(f"model {name}: ctrlab has no architecture {settings.get('model')!r}; omitted")
            continue
        title = ARCHITECTURES[architecture].title
        if ARCHITECTURES[architecture].needs_history and not has_history:
            notes.append(
                f"model {name}: {title} is omitted because it needs a History: add {{type: History, of: ITEM}} with "
                "`stored`, or with user and time, and the model"
            )
            continue
        parameters, omitted = _parameters(architecture, settings)
        used_names = {model["name"] for model in models}
        model_name = title.replace("&", "").replace("+", "Plus")
        model = {"name": _valid_name(name) if model_name in used_names else model_name, "architecture": architecture}
        models.append({**model, "parameters": parameters} if parameters else model)
        if omitted:
            notes.append(f"model {name}: {', '.join(omitted)} omitted")
    if len(models) > MAX_MODELS:
        notes.append(
            f"{len(models) - MAX_MODELS} models after {models[MAX_MODELS - 1]['name']} omitted: use one model with a "
            "search space instead of a grid of models; see searchSpace"
        )
        models = models[:MAX_MODELS]
    if not models:
        notes.append("no model can be imported: FM and DeepFM with their default parameters are used instead")
        models = [{"name": "FM", "architecture": "fm"}, {"name": "DeepFM", "architecture": "deepfm"}]
    return ImportedModels(models, tuple(notes))


def _architecture(settings: Settings) -> str | None:
    architecture = ARCHITECTURES_BY_TITLE.get(str(settings.get("model")).lower())
    if architecture == "autoint" and settings.get("dnn_hidden_units"):
        return "autoint_plus"
    if architecture == "afn" and settings.get("ensemble_dnn"):
        return "afn_plus"
    return architecture


def _parameters(architecture: str, settings: Settings) -> tuple[dict[str, int | str], list[str]]:
    """Return the parameters that the architecture accepts, and the keys of other settings that are not disabled."""
    declaration = ARCHITECTURES[architecture]
    names = PARAMETERS | AFN_PARAMETERS if architecture.startswith("afn") else PARAMETERS
    parameters: dict[str, int | str] = {}
    omitted: list[str] = []
    for key, value in settings.items():
        name = names.get(key)
        scalar = "0" if value is None and name == "embedding_l2" else _scalar(value)
        if name in declaration.model_fields and scalar is not None:
            try:
                declaration.model_validate({name: scalar})
                parameters[name] = scalar
            except ValidationError:
                omitted.append(f"{key} ({value})")
        elif key not in IGNORED_KEYS and value not in DISABLED_VALUES:
            omitted.append(key)
    return parameters, omitted


def _scalar(value: Any) -> int | str | None:
    """Return the value as a specification writes it, an integer or a text; None if it cannot be written."""
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


def _valid_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40].strip("-")
