"""FuxiCTR's data set as `spec.dataset`: files, label, split, user and features."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from ctrlab.importers.fuxictr.config_files import Config
from ctrlab.importers.fuxictr.feature_import import Field, columns_of, imported

PARTS: Final = {"train": "train_data", "valid": "valid_data", "test": "test_data"}
FORMATS: Final = {("csv", ","): "csv", ("csv", "\t"): "tsv", ("parquet", None): "parquet"}
UNDERSTOOD: Final = frozenset(
    {*PARTS.values(), "feature_cols", "label_col", "data_format", "sep", "min_categr_count", "valid_size", "test_size"}
    | {"split_type", "group_id"}
)
OF_THE_PROCESS: Final = frozenset({"data_root", "rebuild_dataset", "data_block_size", "dataset_id"})
"""Settings of FuxiCTR's own files."""


@dataclass(frozen=True)
class ImportedDataset:
    """`spec.dataset`, and what has no counterpart."""

    dataset: Field
    notes: tuple[str, ...]


def import_dataset(config: Config, group: str | None) -> ImportedDataset:
    """The data set; InvalidSpec for what cannot be used. `group` is the column that models name as group_id."""
    source, split, notes = _rows(config)
    columns = [column for _, column in columns_of(config)]
    found = [imported(column) for column in columns]
    features = [column.feature for column in found if column.feature is not None]
    if not features:
        raise config.problem("feature_cols", "no column becomes a feature; at least one is needed")
    notes += [note for column in found for note in column.notes]
    user = config.dataset.get("group_id") or group
    notes += [
        f"column {column['name']}: meta data of FuxiCTR; no model sees it"
        for column in columns
        if column["type"] == "meta" and column["name"] != user
    ]
    label, label_notes = _label(config)
    rest = sorted(set(config.dataset) - UNDERSTOOD - OF_THE_PROCESS)
    if rest:
        notes.append(f"{', '.join(rest)} of {config.name} left out")
    least = config.dataset.get("min_categr_count", 1)
    dataset = {
        "source": source,
        "label": {"column": label},
        "features": features,
        **({"user": str(user)} if user else {}),
        "split": split,
        **({"preprocessing": {"minFrequency": least}} if least != 1 else {}),
    }
    return ImportedDataset(dataset, (*label_notes, *notes))


def _label(config: Config) -> tuple[str, list[str]]:
    given = config.dataset.get("label_col")
    labels = given if isinstance(given, list) else [given]
    names = [label.get("name") if isinstance(label, dict) else None for label in labels]
    if not names or not all(names):
        raise config.problem("label_col", f"found {given!r:.60}; expected a mapping with name")
    left = ", ".join(map(str, names[1:]))
    return str(names[0]), [f"label_col: {left} left out; a model here has one label"] if left else []


def _rows(config: Config) -> tuple[Field, Field, list[str]]:
    """`source`, `split` and notes."""
    sizes = [config.dataset.get(key) or 0 for key in ("valid_size", "test_size")]
    if any(sizes):
        return _cut_rows(config, *sizes)
    paths = {part: _path(config, key) for part, key in PARTS.items()}
    for part, other in (("valid", "test"), ("train", "valid"), ("train", "test")):
        if paths[part] == paths[other]:
            raise config.problem(
                PARTS[other],
                f"is the same as {PARTS[part]}, {paths[other]}: what is measured on test would be tuned on it; write "
                "three different files",
            )
    folder = Path(os.path.commonpath([path.parent for path in paths.values()]))
    patterns = {part: _pattern(path, folder) for part, path in paths.items()}
    source = {"uri": folder.as_uri(), "format": _format(config)}
    return source, {"strategy": "Predefined", "files": patterns}, list(_about(folder, paths))


def _cut_rows(config: Config, valid: Any, test: Any) -> tuple[Field, Field, list[str]]:
    path, notes = _path(config, "train_data"), []
    try:
        shares = [Decimal(str(share)) for share in (valid, test)]
    except InvalidOperation:
        raise config.problem("valid_size", f"found {valid!r} and test_size {test!r}; expected numbers") from None
    if not all(shares):
        absent = "test" if not shares[1] else "valid"
        raise config.problem(
            f"{absent}_size",
            "is not given beside the other: here all three parts are files, or all are cut from train_data; give both "
            "sizes, or write the parts to files",
        )
    split: Field = {"strategy": "Random"}
    if max(shares) < 1 and sum(shares) < 1:
        split["fractions"] = [str(share) for share in (1 - sum(shares), *shares)]
    else:
        notes.append("valid_size and test_size as numbers of rows have no counterpart: a tenth of the rows each")
    if config.dataset.get("split_type", "sequential") != "random":
        notes.append(
            "split_type sequential has no counterpart: rows are divided at random; with a column of the time, write "
            "time: COLUMN and split: {strategy: Temporal}"
        )
    if not path.exists():
        notes.append(f"train_data: there is no {path}")
    return {"uri": path.as_uri(), "format": _format(config)}, split, notes


def _path(config: Config, key: str) -> Path:
    """Absolute; FuxiCTR's paths start from where it was run, often the folder above its configuration."""
    given = config.dataset.get(key)
    if not isinstance(given, str) or not given:
        raise config.problem(key, f"found {given!r}; an experiment needs rows for train, valid and test")
    folder = config.file.absolute().parent
    starts = (Path.cwd(), folder, *(folder.parents[:2]))
    places = [Path(os.path.normpath(start / given)) for start in starts]
    return next((place for place in places if place.exists()), places[0])


def _pattern(path: Path, folder: Path) -> str:
    below = path.relative_to(folder).as_posix()
    return f"{below}/*" if path.is_dir() else below


def _about(folder: Path, paths: dict[str, Path]) -> Iterator[str]:
    for part, path in paths.items():
        if not path.exists():
            yield f"{PARTS[part]}: there is no {path}"
    if all(path.exists() for path in paths.values()):
        files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
        ours = tuple(paths.values())
        others = sorted(file.name for file in files if not any(file == path or path in file.parents for path in ours))
        if others:
            names = ", ".join(others[:5])
            yield f"{folder} also holds {names}: give train, valid and test a folder of their own before a run"


def _format(config: Config) -> str:
    """InvalidSpec for files that only FuxiCTR reads."""
    given = config.dataset.get("data_format", "csv")
    separator = config.dataset.get("sep", ",") if given == "csv" else None
    if given not in ("csv", "parquet"):
        raise config.problem(
            "data_format", f"found {given!r}; allowed are csv and parquet, the source and not what was built"
        )
    if (given, separator) not in FORMATS:
        raise config.problem("sep", f"found {separator!r}; allowed are a comma and a tab")
    return FORMATS[given, separator]
