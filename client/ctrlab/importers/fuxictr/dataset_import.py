"""Converts FuxiCTR's data set to `spec.dataset`: files, label, split, user and features."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from ctrlab.importers.fuxictr.config_files import Config
from ctrlab.importers.fuxictr.feature_import import Field, active_columns, import_column

SPLIT_KEYS: Final = {"train": "train_data", "valid": "valid_data", "test": "test_data"}
"""Split -> FuxiCTR's key of its files."""
FORMATS: Final = {("csv", ","): "csv", ("csv", "\t"): "tsv", ("parquet", None): "parquet"}
"""(data_format, sep) -> `source.format`."""
SUPPORTED_KEYS: Final = frozenset(
    {*SPLIT_KEYS.values(), "feature_cols", "label_col", "data_format", "sep", "min_categr_count"}
    | {"valid_size", "test_size", "split_type", "group_id"}
)
IGNORED_KEYS: Final = frozenset({"data_root", "rebuild_dataset", "data_block_size", "dataset_id"})
"""Settings of FuxiCTR's intermediate files."""


@dataclass(frozen=True)
class ImportedDataset:
    """`spec.dataset` with notes on what has no counterpart."""

    dataset: Field
    notes: tuple[str, ...]


def import_dataset(config: Config, group: str | None) -> ImportedDataset:
    """Convert the data set; InvalidSpec for what cannot be used. `group`: the column that models name as group_id."""
    source, split, notes = _source_and_split(config)
    columns = [column for _, column in active_columns(config)]
    categorical = {
        str(column["name"])
        for column in columns
        if column["type"] == "categorical" and not column.get("preprocess") and not column.get("category_processor")
    }
    imported = [import_column(column, categorical) for column in columns]
    features = [column.feature for column in imported if column.feature is not None]
    if not features:
        raise config.problem("feature_cols", "no column becomes a feature; at least one is needed")
    notes += [note for column in imported for note in column.notes]
    user = config.dataset.get("group_id") or group
    notes += [
        f"column {column['name']}: FuxiCTR metadata; models do not use it"
        for column in columns
        if column["type"] == "meta" and column["name"] != user
    ]
    label, label_notes = _label(config)
    unsupported = sorted(set(config.dataset) - SUPPORTED_KEYS - IGNORED_KEYS)
    if unsupported:
        notes.append(f"{', '.join(unsupported)} of {config.name} omitted")
    min_frequency = config.dataset.get("min_categr_count", 1)
    dataset = {
        "source": source,
        "label": {"column": label},
        "features": features,
        **({"user": str(user)} if user else {}),
        "split": split,
        **({"preprocessing": {"minFrequency": min_frequency}} if min_frequency != 1 else {}),
    }
    return ImportedDataset(dataset, (*label_notes, *notes))


def _label(config: Config) -> tuple[str, list[str]]:
    value = config.dataset.get("label_col")
    labels = value if isinstance(value, list) else [value]
    names = [label.get("name") if isinstance(label, dict) else None for label in labels]
    if not names or not all(names):
        raise config.problem("label_col", f"found {value!r:.60}; expected a mapping with name")
    omitted = ", ".join(map(str, names[1:]))
    return str(names[0]), [f"label_col: {omitted} omitted; an experiment has one label"] if omitted else []


def _source_and_split(config: Config) -> tuple[Field, Field, list[str]]:
    """Return `source`, `split` and notes."""
    sizes = [config.dataset.get(key) or 0 for key in ("valid_size", "test_size")]
    if any(sizes):
        return _random_split(config, *sizes)
    paths = {split: _path(config, key) for split, key in SPLIT_KEYS.items()}
    for split, other in (("valid", "test"), ("train", "valid"), ("train", "test")):
        if paths[split] == paths[other]:
            raise config.problem(
                SPLIT_KEYS[other],
                f"is the same as {SPLIT_KEYS[split]}, {paths[other]}: tuning would use the test rows; give three "
                "different files",
            )
    folder = Path(os.path.commonpath([path.parent for path in paths.values()]))
    patterns = {split: _pattern(path, folder) for split, path in paths.items()}
    source = {"uri": folder.as_uri(), "format": _format(config)}
    return source, {"strategy": "Predefined", "files": patterns}, list(_file_notes(folder, paths))


def _random_split(config: Config, valid: Any, test: Any) -> tuple[Field, Field, list[str]]:
    """Return `source`, `split` and notes of splits that FuxiCTR cuts from train_data."""
    path, notes = _path(config, "train_data"), []
    try:
        shares = [Decimal(str(share)) for share in (valid, test)]
    except InvalidOperation:
        raise config.problem("valid_size", f"found {valid!r} and test_size {test!r}; expected numbers") from None
    if not all(shares):
        missing = "test" if not shares[1] else "valid"
        raise config.problem(
            f"{missing}_size",
            "is missing: an experiment has either three files or splits cut from train_data; give both sizes, or write "
            "the splits to files",
        )
    split: Field = {"strategy": "Random"}
    if max(shares) < 1 and sum(shares) < 1:
        split["fractions"] = [str(share) for share in (1 - sum(shares), *shares)]
    else:
        notes.append("valid_size and test_size as numbers of rows have no counterpart: each is a tenth of the rows")
    if config.dataset.get("split_type", "sequential") != "random":
        notes.append(
            "split_type sequential has no counterpart: rows are split at random; if a column has the time, set time: "
            "COLUMN and split: {strategy: Temporal}"
        )
    if not path.exists():
        notes.append(f"train_data: {path} does not exist")
    return {"uri": path.as_uri(), "format": _format(config)}, split, notes


def _path(config: Config, key: str) -> Path:
    """Return an absolute path.

    FuxiCTR's paths are relative to its working directory, which is often the parent of the configuration folder.
    """
    value = config.dataset.get(key)
    if not isinstance(value, str) or not value:
        raise config.problem(key, f"found {value!r}; an experiment needs rows for train, valid and test")
    folder = config.file.absolute().parent
    bases = (Path.cwd(), folder, *(folder.parents[:2]))
    candidates = [Path(os.path.normpath(base / value)) for base in bases]
    return next((path for path in candidates if path.exists()), candidates[0])


def _pattern(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder).as_posix()
    return f"{relative}/*" if path.is_dir() else relative


def _file_notes(folder: Path, paths: dict[str, Path]) -> Iterator[str]:
    """Yield a note for each split without files, or for other files in the folder of the source."""
    for split, path in paths.items():
        if not path.exists():
            yield f"{SPLIT_KEYS[split]}: {path} does not exist"
    if all(path.exists() for path in paths.values()):
        files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
        used = tuple(paths.values())
        others = sorted(file.name for file in files if not any(file == path or path in file.parents for path in used))
        if others:
            names = ", ".join(others[:5])
            yield f"{folder} also contains {names}: move train, valid and test to a separate folder before a run"


def _format(config: Config) -> str:
    """Return `source.format`; InvalidSpec for files that only FuxiCTR reads."""
    data_format = config.dataset.get("data_format", "csv")
    separator = config.dataset.get("sep", ",") if data_format == "csv" else None
    if data_format not in ("csv", "parquet"):
        raise config.problem(
            "data_format", f"found {data_format!r}; allowed are csv and parquet: the source, not FuxiCTR's built files"
        )
    if (data_format, separator) not in FORMATS:
        raise config.problem("sep", f"found {separator!r}; allowed are a comma and a tab")
    return FORMATS[data_format, separator]
