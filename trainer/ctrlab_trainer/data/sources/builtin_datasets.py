"""The real data sets that `builtin://NAME` knows: where their files lie and how they are written.

None of them is part of this package; their licences forbid it or say nothing. They are found in the folder that
CTRLAB_DATA names, or in the cache that `ctrlab data fetch` fills.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import Variable
from ctrlab_api.resources.dataset import Format

SYNTHETIC: Final = "synthetic"
"""The one builtin that is generated and not read."""

FETCHABLE: Final = ("ml-100k",)
"""What `ctrlab data fetch` can get."""


@dataclass(frozen=True)
class BuiltinDataset:
    """One data set as it is published."""

    path: str
    """Its file or folder, relative to the folder of data sets."""
    format: Format
    columns: tuple[str, ...] | None = None
    """Names for a file that has no header."""
    sides: Mapping[str, str] | None = None
    """Tables joined to the rows: relative path -> column."""


BUILTIN_DATASETS: Final[Mapping[str, BuiltinDataset]] = {
    "ml-100k": BuiltinDataset("ml-100k", "recbole"),
    "frappe": BuiltinDataset("frappe/frappe.parquet", "parquet"),
    "kuairand": BuiltinDataset("kuairand/kuairand.tsv.gz", "tsv"),
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


def cache_folder() -> Path:
    """Where fetched data sets lie: CTRLAB_CACHE, or ~/.cache/ctrlab, and in it `datasets`."""
    return Path(os.environ.get(Variable.CACHE) or Path.home() / ".cache" / "ctrlab") / "datasets"


def builtin_folder(name: str) -> Path:
    """The folder that holds the data set `name` of `KNOWN`; InvalidData with what to do if there is none."""
    known = BUILTIN_DATASETS[name]
    searched = [Path(value) for value in (os.environ.get(Variable.DATA),) if value] + [cache_folder()]
    for folder in searched:
        if (folder / known.path).exists():
            return folder
    advice = "set CTRLAB_DATA to the folder that holds it"
    if name in FETCHABLE:
        advice += f", or get it with: ctrlab data fetch {name}"
    places = " and ".join(str(folder / known.path) for folder in searched)
    raise InvalidData.at("spec.dataset.source.uri", f"builtin://{name} was not found at {places}; {advice}")
