"""Converts a FuxiCTR configuration to a `CTRExperiment` document that lists what could not be converted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ctrlab.importers.fuxictr.config_files import Settings, read_config
from ctrlab.importers.fuxictr.dataset_import import ImportedDataset, import_dataset
from ctrlab.importers.fuxictr.model_import import import_models
from ctrlab.importers.fuxictr.prebuilt_import import find_feature_map, import_prebuilt
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.names import API_VERSION


@dataclass(frozen=True)
class ExperimentDocument:
    """A valid experiment as YAML text."""

    text: str
    notes: tuple[str, ...]
    """One sentence for each difference from FuxiCTR; the text begins with them as comments."""


def import_config(path: Path, dataset: str | None) -> ExperimentDocument:
    """Convert FuxiCTR's configuration, or a data set it has built; InvalidSpec names the file and the invalid key."""
    feature_map = find_feature_map(path)
    if feature_map is not None:
        prebuilt = import_prebuilt(feature_map)
        return _document(prebuilt.name, feature_map, prebuilt.imported, {})
    config = read_config(path, dataset)
    user = next((settings["group_id"] for settings in config.models.values() if settings.get("group_id")), None)
    return _document(config.name, config.file, import_dataset(config, user), config.models)


def _document(
    name: str, file: Path, dataset_import: ImportedDataset, models: Mapping[str, Settings]
) -> ExperimentDocument:
    has_history = any(feature["type"] == "History" for feature in dataset_import.dataset["features"])
    model_import = import_models(models, has_history=has_history)
    notes = (*dataset_import.notes, *model_import.notes)
    spec: dict[str, Any] = {"dataset": dataset_import.dataset, "models": model_import.models}
    if "user" in dataset_import.dataset:
        spec["analysis"] = {"metrics": ["auc", "logloss", "gauc"]}
    document = {
        "apiVersion": API_VERSION,
        "kind": "CTRExperiment",
        "metadata": {"name": _name(name)},
        "spec": spec,
    }
    comments = [f"# Differs from FuxiCTR: {note}" for note in notes]
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    text = "\n".join([f"# Imported from FuxiCTR: {name} in {file.name}.", *comments, body])
    try:
        parse_manifests(text, file.name)
    except InvalidSpec as error:
        problems = [Problem(f"{file.name}, {name}: {p.where}", p.message) for p in error.problems]
        raise InvalidSpec(problems) from None
    return ExperimentDocument(text, notes)


def _name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:52].strip("-") or "fuxictr"


class _Dumper(yaml.SafeDumper):
    """Quotes texts such as 1e-3, which Kubernetes would read as numbers."""


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
