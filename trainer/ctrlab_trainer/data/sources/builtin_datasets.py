"""Public data sets behind `builtin://NAME`: the location and format of their files.

None of them is part of this package, because their licenses forbid it or do not mention it. They are read from the
folder in CTRLAB_DATA, or from the cache that `ctrlab data fetch` fills.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import Variable
from ctrlab_api.resources.source_uris import Format
from ctrlab_store.local_cache import cache_folder

SYNTHETIC: Final = "synthetic"
"""The only built-in data set that is generated."""

FETCHABLE: Final = ("ml-100k",)
"""Data sets that `ctrlab data fetch` can download."""


@dataclass(frozen=True)
class BuiltinDataset:
    """One data set in its published format."""

    path: str
    """File or folder, relative to the folder of data sets."""
    format: Format
    columns: tuple[str, ...] | None = None
    """Column names of a file without a header."""
    sides: Mapping[str, str] | None = None
    """Tables joined to the rows: relative path -> join column."""
    license: str | None = None
    """Terms of use, printed when the data set is downloaded; None where its publisher names none."""


BUILTIN_DATASETS: Final[Mapping[str, BuiltinDataset]] = {
    "ml-100k": BuiltinDataset(
        "ml-100k",
        "recbole",
        license="MovieLens, GroupLens Research: research use with acknowledgment; no redistribution and no commercial "
        "use without permission (https://files.grouplens.org/datasets/movielens/ml-100k-README.txt)",
    ),
    "frappe": BuiltinDataset("frappe/frappe.parquet", "parquet"),
    "kuairand": BuiltinDataset("kuairand/kuairand.tsv.gz", "tsv", license="CC BY-SA 4.0"),
    "criteo-10k": BuiltinDataset(
        "criteo-10k/criteo.tsv.gz",
        "tsv",
        columns=("label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))),
    ),
    "avazu-3k": BuiltinDataset("avazu-3k/avazu.csv.gz", "csv"),
    "ml-1m": BuiltinDataset("ml-1m/ml1m_ordered.parquet", "parquet"),
    "beauty": BuiltinDataset("s3rec-beauty/Beauty.txt", "sequences"),
    "toys": BuiltinDataset("s3rec-toys/Toys_and_Games.txt", "sequences"),
    "grocery": BuiltinDataset("grocery/train.tsv.gz", "tsv", sides={"grocery/item_meta.tsv.gz": "item_id"}),
}


def dataset_cache() -> Path:
    """Return the folder of downloaded data sets in the cache."""
    return cache_folder() / "datasets"


def builtin_folder(name: str) -> Path:
    """Return the folder that contains the data set `name`; InvalidData with a remedy if there is none."""
    dataset = BUILTIN_DATASETS[name]
    searched = [Path(value) for value in (os.environ.get(Variable.DATA),) if value] + [dataset_cache()]
    for folder in searched:
        if (folder / dataset.path).exists():
            return folder
    advice = "set CTRLAB_DATA to the folder that contains it"
    if name in FETCHABLE:
        advice += f", or download it: ctrlab data fetch {name}"
    paths = " and ".join(str(folder / dataset.path) for folder in searched)
    raise InvalidData.at("spec.dataset.source.uri", f"builtin://{name} was not found at {paths}; {advice}")
