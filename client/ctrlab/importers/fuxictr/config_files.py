"""Reads `dataset_config.yaml` and `model_config.yaml` in the layout that FuxiCTR's `load_config` expects.

A folder contains `dataset_config.yaml` or `dataset_config/*.yaml`, and likewise for models. A file maps names to
settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ctrlab_api.errors import InvalidSpec, Problem

Settings = Mapping[str, Any]
BASE = "Base"
"""Name of the entry with settings that all models share."""


@dataclass(frozen=True)
class Config:
    """One data set and the models that are trained on it."""

    name: str
    """FuxiCTR's name of the data set."""
    file: Path
    """File that describes the data set."""
    dataset: Settings
    models: dict[str, Settings] = field(default_factory=dict)
    """Settings by FuxiCTR's experiment id, including the shared ones."""

    def problem(self, key: str, message: str) -> InvalidSpec:
        """Return the error for one key of the data set."""
        return InvalidSpec([Problem(f"{self.file.name}, {self.name}.{key}", message)])


def read_config(path: Path, dataset: str | None) -> Config:
    """Read one data set and its models; InvalidSpec names the file and the key.

    `dataset` is the name of the data set; it may be None if there is only one.
    """
    datasets = {
        name: (file, settings)
        for file in _files(path, "dataset_config")
        for name, settings in _entries(file).items()
        if "feature_cols" in settings
    }
    known = ", ".join(datasets) or "none"
    if dataset is None and len(datasets) != 1:
        remedy = (
            "choose one with --dataset"
            if datasets
            else "a data set has feature_cols, unless FuxiCTR has built it already: then give the folder of "
            "feature_map.json"
        )
        raise InvalidSpec([Problem(str(path), f"contains {len(datasets)} data sets ({known}); {remedy}")])
    name = dataset or next(iter(datasets))
    if name not in datasets:
        raise InvalidSpec([Problem("--dataset", f"{path} has no data set {name!r}; known: {known}")])
    file, settings = datasets[name]
    return Config(name, file, settings, _models(path, name) if path.is_dir() else {})


def _models(folder: Path, dataset: str) -> dict[str, Settings]:
    entries = {
        name: settings
        for file in _files(folder, "model_config", required=False)
        for name, settings in _entries(file).items()
    }
    base = entries.pop(BASE, {})
    merged = {name: {**base, **settings} for name, settings in entries.items()}
    return {name: settings for name, settings in merged.items() if settings.get("dataset_id") == dataset}


def _files(path: Path, kind: str, required: bool = True) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InvalidSpec([Problem(str(path), "no such file or folder")])
    single = path / f"{kind}.yaml"
    files = [single] if single.is_file() else sorted((path / kind).glob("*.yaml"))
    if required and not files:
        raise InvalidSpec([Problem(str(path), f"contains neither {kind}.yaml nor {kind}/*.yaml")])
    return files


def _entries(file: Path) -> dict[str, Settings]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec([Problem(str(file), f"cannot be read: {error}")]) from None
    except yaml.YAMLError as error:
        raise InvalidSpec([Problem(file.name, f"not valid YAML: {' '.join(str(error).split())}")]) from None
    entries = content if isinstance(content, dict) else {}
    invalid = [name for name, settings in entries.items() if not isinstance(settings, dict)]
    if not entries or invalid:
        actual = (
            f"{invalid[0]} is {type(entries[invalid[0]]).__name__}" if invalid else f"found {type(content).__name__}"
        )
        raise InvalidSpec([Problem(file.name, f"{actual}; expected a mapping from names to mappings of settings")])
    return {str(name): settings for name, settings in entries.items()}


class _Loader(yaml.SafeLoader):
    """Loads Python tuples (`!!python/tuple`) as lists."""


def _construct_list(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _construct_list)
