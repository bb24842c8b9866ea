"""FuxiCTR configurations as files, and their conversion to experiments."""

from pathlib import Path
from typing import Any

import yaml

from ctrlab.importers.fuxictr.experiment_document import import_config
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.resources.experiment import Experiment

FILES = {"train_data": "data/train.csv", "valid_data": "data/valid.csv", "test_data": "data/test.csv"}
CLICK = {"name": "click", "dtype": "float"}
ITEM = {"name": "item", "active": True, "dtype": "str", "type": "categorical"}


def write_config(folder: Path, dataset: dict[str, Any], models: dict[str, Any] | None = None) -> Path:
    """Write a FuxiCTR configuration folder and the data files that it refers to; return the folder."""
    for path in FILES.values():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("item,click\n")
    config = folder / "config"
    config.mkdir()
    settings = {"feature_cols": [ITEM], "label_col": CLICK, **FILES, **dataset}
    (config / "dataset_config.yaml").write_text(yaml.safe_dump({"ads_x1": settings}, sort_keys=False))
    if models is not None:
        (config / "model_config.yaml").write_text(yaml.safe_dump(models, sort_keys=False))
    return config


def import_experiment(config: Path, dataset: str | None = None) -> tuple[Experiment, str]:
    """Return the experiment and all notes."""
    document = import_config(config, dataset)
    (experiment,) = parse_manifests(document.text, "text")
    assert isinstance(experiment, Experiment)
    assert all(f"# Differs from FuxiCTR: {note}" in document.text for note in document.notes)
    return experiment, "\n".join(document.notes)
