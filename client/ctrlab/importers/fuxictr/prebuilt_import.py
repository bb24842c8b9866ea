"""Converts a data set that FuxiCTR has built: `feature_map.json` with encoded parquet files of train, valid and test.

The files contain FuxiCTR's ids and transformed numbers, so that features are read as they are. A split is one file,
`train.parquet`, or a folder of blocks, `train/part_00000.parquet`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctrlab.importers.fuxictr.dataset_import import ImportedDataset
from ctrlab.importers.fuxictr.feature_import import Field
from ctrlab_api.errors import InvalidSpec, Problem

FEATURE_MAP: Final = "feature_map.json"
SPLITS: Final = ("train", "valid", "test")


@dataclass(frozen=True)
class PrebuiltDataset:
    """Name, file and content of a data set that FuxiCTR has built."""

    name: str
    file: Path
    imported: ImportedDataset


def find_feature_map(path: Path) -> Path | None:
    """Return the feature map that a path names or contains; None for a configuration."""
    file = path / FEATURE_MAP if path.is_dir() else path
    return file if file.name == FEATURE_MAP and file.is_file() else None


def import_prebuilt(file: Path) -> PrebuiltDataset:
    """Convert the data set of a feature map; InvalidSpec names the file and the key that cannot be used."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSpec([Problem(file.name, f"cannot be read: {error}")]) from None
    if not isinstance(content, dict) or not isinstance(content.get("features"), list) or not content.get("labels"):
        raise InvalidSpec(
            [Problem(file.name, "expected a mapping with labels and a list of features, as FuxiCTR writes")]
        )
    columns = {str(name): settings for entry in content["features"] for name, settings in dict(entry).items()}
    categorical = {name for name, settings in columns.items() if settings.get("type") == "categorical"}
    notes = ["ids and numbers are those that FuxiCTR has built; its test rows may have influenced them"]
    features = []
    for name, settings in columns.items():
        feature, note = _feature(name, settings, categorical, file)
        features += [] if feature is None else [feature]
        notes += [] if note is None else [note]
    if not features:
        raise InvalidSpec([Problem(f"{file.name}, features", "no column becomes a feature; at least one is needed")])
    labels = [str(label) for label in content["labels"]]
    if labels[1:]:
        notes.append(f"labels: {', '.join(labels[1:])} omitted; an experiment has one label")
    dataset = {
        "source": {"uri": file.absolute().parent.as_uri(), "format": "parquet"},
        "label": {"column": labels[0]},
        "features": features,
        "split": {"strategy": "Predefined", "files": dict(_patterns(file.parent))},
    }
    return PrebuiltDataset(str(content.get("dataset_id", "fuxictr")), file, ImportedDataset(dataset, tuple(notes)))


def _feature(
    name: str, settings: Mapping[str, Any], categorical: set[str], file: Path
) -> tuple[Field | None, str | None]:
    """Return the feature of a column, and a note on what has no counterpart."""
    padding = {"padding": str(settings.get("padding_idx", 0))}
    match settings.get("type"):
        case "categorical":
            return {"name": name, "type": "Categorical"}, None
        case "numeric":
            return {"name": name, "type": "Numeric", "transform": "AsIs"}, None
        case "embedding":
            width = settings.get("pretrain_dim") or settings.get("embedding_dim")
            return {"name": name, "type": "Vector", "width": width, "transform": "AsIs"}, None
        case "sequence" if settings.get("share_embedding") in categorical:
            of = settings["share_embedding"]
            history = {"name": name, "type": "History", "of": of, "maxLength": settings["max_len"], "stored": padding}
            return history, None
        case "sequence":
            values = {"name": name, "type": "MultiCategorical", "maxLength": settings["max_len"], **padding}
            return {**values, "keep": "Latest"}, None
        case "meta":
            return None, f"column {name}: FuxiCTR metadata; models do not use it. If it is the user, set dataset.user"
        case other:
            raise InvalidSpec([Problem(f"{file.name}, features.{name}.type", f"found {other!r}, which is not known")])


def _patterns(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each split with the pattern of its files; InvalidSpec for a split without parquet files."""
    for split in SPLITS:
        if (folder / f"{split}.parquet").is_file():
            yield split, f"{split}.parquet"
        elif any((folder / split).glob("*.parquet")):
            yield split, f"{split}/*"
        else:
            old = any(folder.glob(f"{split}*.h5"))
            reason = (
                "is HDF5, as earlier versions of FuxiCTR write it: build the data set with a current version, which "
                "writes parquet"
                if old
                else f"is missing: expected {split}.parquet or {split}/*.parquet; an experiment needs three splits"
            )
            raise InvalidSpec([Problem(f"{folder}, {split}", reason)])
