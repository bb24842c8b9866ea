"""Reading FuxiCTR's `dataset_config.yaml` and `model_config.yaml`, laid out as its `load_config` finds them.

A folder holds `dataset_config.yaml`, or `dataset_config/*.yaml`; the same for models. A file maps names to settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ctrlab_api.errors import InvalidSpec, Problem

Settings = Mapping[str, Any]
BASE = "Base"
"""Settings that all models share."""


@dataclass(frozen=True)
class Config:
    """One data set, and the models that are trained on it."""

    name: str
    """As FuxiCTR calls the data set."""
    file: Path
    """Where it is described."""
    dataset: Settings
    models: dict[str, Settings] = field(default_factory=dict)
    """By FuxiCTR's experiment id, shared settings included."""

    def problem(self, key: str, message: str) -> InvalidSpec:
        """What is wrong with one key of the data set."""
        return InvalidSpec([Problem(f"{self.file.name}, {self.name}.{key}", message)])


def read_config(path: Path, wanted: str | None) -> Config:
    """The data set of that name, which may be left out where there is one; InvalidSpec names the file and the key."""
    found = {
        name: (file, settings)
        for file in _files(path, "dataset_config")
        for name, settings in _entries(file).items()
        if "feature_cols" in settings
    }
    known = ", ".join(found) or "none"
    if wanted is None and len(found) != 1:
        what = (
            "choose one with --dataset" if found else "a data set has feature_cols, unless FuxiCTR has built it already"
        )
        raise InvalidSpec([Problem(str(path), f"holds {len(found)} data sets ({known}); {what}")])
    name = wanted or next(iter(found))
    if name not in found:
        raise InvalidSpec([Problem("--dataset", f"{path} has no data set {name!r}; known: {known}")])
    file, settings = found[name]
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
    found = [single] if single.is_file() else sorted((path / kind).glob("*.yaml"))
    if required and not found:
        raise InvalidSpec([Problem(str(path), f"holds neither {kind}.yaml nor {kind}/*.yaml")])
    return found


def _entries(file: Path) -> dict[str, Settings]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec([Problem(str(file), f"cannot be read: {error}")]) from None
    except yaml.YAMLError as error:
        raise InvalidSpec([Problem(file.name, f"not valid YAML: {' '.join(str(error).split())}")]) from None
    entries = content if isinstance(content, dict) else {}
    bad = [name for name, settings in entries.items() if not isinstance(settings, dict)]
    if not entries or bad:
        what = f"{bad[0]} holds {type(entries[bad[0]]).__name__}" if bad else f"found {type(content).__name__}"
        raise InvalidSpec([Problem(file.name, f"{what}; expected a name with a mapping of settings for each entry")])
    return {str(name): settings for name, settings in entries.items()}


class _Loader(yaml.SafeLoader):
    """Reads the tuples that PyYAML writes for Python's as lists."""


def _list(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _list)
