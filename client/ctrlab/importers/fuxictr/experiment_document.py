"""FuxiCTR's configuration as one document with a `CTRExperiment`, and all that it could not say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ctrlab.importers.fuxictr.config_files import Config, read_config
from ctrlab.importers.fuxictr.dataset_import import import_dataset
from ctrlab.importers.fuxictr.model_import import import_models
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.names import API_VERSION


@dataclass(frozen=True)
class Document:
    """A checked experiment as text."""

    text: str
    notes: tuple[str, ...]
    """What has no counterpart, one sentence each; the text begins with them."""


def import_config(path: Path, dataset: str | None) -> Document:
    """Reads FuxiCTR's files; InvalidSpec names the file and the key that cannot be used."""
    config = read_config(path, dataset)
    group = next((settings["group_id"] for settings in config.models.values() if settings.get("group_id")), None)
    data = import_dataset(config, group)
    models = import_models(config.models)
    notes = (*data.notes, *models.notes)
    spec: dict[str, Any] = {"dataset": data.dataset, "models": models.models}
    if "user" in data.dataset:
        spec["analysis"] = {"metrics": ["auc", "logloss", "gauc"]}
    document = {
        "apiVersion": API_VERSION,
        "kind": "CTRExperiment",
        "metadata": {"name": _name(config)},
        "spec": spec,
    }
    head = [f"# From FuxiCTR: {config.name} of {config.file.name}.", *(f"# Not as there: {note}" for note in notes)]
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    text = "\n".join([*head, body])
    try:
        parse_manifests(text, config.file.name)
    except InvalidSpec as error:
        problems = [Problem(f"{config.file.name}, {config.name}: {p.where}", p.message) for p in error.problems]
        raise InvalidSpec(problems) from None
    return Document(text, notes)


def _name(config: Config) -> str:
    return re.sub(r"[^a-z0-9]+", "-", config.name.lower()).strip("-")[:52].strip("-") or "fuxictr"


class _Dumper(yaml.SafeDumper):
    """Puts 1e-3 in quotes, which Kubernetes would read as a number."""


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
