"""One entry of FuxiCTR's `feature_cols` as features of a data set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctrlab.importers.fuxictr.config_files import Config

Column = Mapping[str, Any]
Field = dict[str, Any]

TYPES: Final = ("categorical", "numeric", "sequence", "embedding", "meta")
LONGEST: Final = 100
"""Values kept of a stored sequence without max_len."""
POOLINGS: Final = {"MaskedAveragePooling": "Mean", "MaskedSumPooling": "Sum"}
DESCRIBING: Final = frozenset({"name", "active", "dtype", "type", "source"})
"""Keys that every column may have, and whose meaning is kept or not needed."""
BUCKETS: Final = 10
"""FuxiCTR's default of num_buckets."""


@dataclass(frozen=True)
class Imported:
    """What became of one column."""

    feature: Field | None
    """None for a column that no model sees."""
    notes: tuple[str, ...] = ()
    """What has no counterpart."""


def columns_of(config: Config) -> Iterator[tuple[str, Column]]:
    """Every active column by name, with the place of its entry; a list of names stands for as many columns."""
    entries = config.dataset["feature_cols"]
    if not isinstance(entries, list) or not entries:
        raise config.problem("feature_cols", f"found {type(entries).__name__}; expected a list of columns")
    for index, entry in enumerate(entries):
        place = f"feature_cols[{index}]"
        if not isinstance(entry, dict) or not entry.get("name"):
            raise config.problem(place, f"found {entry!r:.60}; expected a mapping with name and type")
        if entry.get("type") not in TYPES:
            raise config.problem(f"{place}.type", f"found {entry.get('type')!r}; allowed are {', '.join(TYPES)}")
        if entry.get("active", True):
            names = entry["name"] if isinstance(entry["name"], list) else [entry["name"]]
            for name in names:
                yield place, {**entry, "name": str(name)}


def imported(column: Column) -> Imported:
    """The feature that a column becomes, and what of it is left out."""
    name = column["name"]
    if column["type"] == "meta":
        return Imported(None)
    if column["type"] == "embedding":
        return Imported(None, (f"feature {name}: a column that holds vectors is left out; see pretrained",))
    buckets = column["type"] == "categorical" and column.get("preprocess") == "convert_to_bucket"
    if column.get("preprocess") and not buckets:
        how = column["preprocess"]
        return Imported(None, (f"feature {name}: left out, as it is made by {how!r}; write such a column to the file",))
    if buckets:
        feature, used, notes = _log_buckets(name)
    else:
        feature, used, notes = {"categorical": _categorical, "numeric": _numeric, "sequence": _sequence}[
            column["type"]
        ](column)
    rest = [key for key, value in column.items() if key not in DESCRIBING | used and value not in (None, "")]
    left = (f"feature {name}: {', '.join(rest)} left out",) if rest else ()
    return Imported({"name": name, **feature}, (*(f"feature {name}: {note}" for note in notes), *left))


Mapped = tuple[Field, frozenset[str], tuple[str, ...]]
"""Fields of the feature, keys of the column that they stand for, and notes."""


def _log_buckets(name: str) -> Mapped:
    note = "convert_to_bucket is taken for FuxiCTR's buckets of Criteo, floor(log(x)^2)"
    return {"type": "Numeric", "transform": "LogBucket"}, frozenset({"preprocess", "fill_na", "na_value"}), (note,)


def _categorical(column: Column) -> Mapped:
    notes = [_own_embedding(column)] if "share_embedding" in column else []
    if column.get("remap") is False:
        notes.append("remap: false has no counterpart: values get ids by their frequency")
    used = {"min_categr_count", "share_embedding", "remap", "vocab_size", "category_processor", "num_buckets"}
    match column.get("category_processor"):
        case "hash_bucket":
            feature: Field = {"type": "Categorical", "hashBuckets": column.get("num_buckets", BUCKETS)}
        case "quantile_bucket":
            buckets = column.get("num_buckets", BUCKETS)
            feature = {"type": "Numeric", "transform": "QuantileBucket", "buckets": buckets}
        case None:
            feature = {"type": "Categorical", **_least(column)}
        case other:
            feature = {"type": "Categorical", **_least(column)}
            notes.append(f"category_processor {other} has no counterpart")
    return feature, frozenset(used), tuple(notes)


def _numeric(column: Column) -> Mapped:
    match column.get("normalizer"):
        case None:
            return {"type": "Numeric", "transform": "AsIs"}, frozenset({"normalizer"}), ()
        case "StandardScaler":
            return {"type": "Numeric"}, frozenset({"normalizer"}), ()
        case other:
            note = f"normalizer {other} has no counterpart: standardised instead"
            return {"type": "Numeric"}, frozenset({"normalizer"}), (note,)


def _sequence(column: Column) -> Mapped:
    notes = [_own_embedding(column)] if "share_embedding" in column else []
    length = column.get("max_len") or 0
    if length == 0:
        notes.append(f"max_len is not given: {LONGEST} values are kept")
    if column.get("padding", "post") != "post":
        notes.append("padding: pre keeps the last values of a longer sequence; here the first are kept")
    encoder = str(column.get("feature_encoder", "layers.MaskedAveragePooling()")).removeprefix("layers.")
    pooling = POOLINGS.get(encoder.partition("(")[0])
    if pooling is None:
        notes.append(f"feature_encoder {encoder} has no counterpart: embeddings are averaged")
    feature = {
        "type": "MultiCategorical",
        "separator": column.get("splitter", "^"),
        "maxLength": length or LONGEST,
        **({"pooling": pooling} if pooling == "Sum" else {}),
        **_least(column),
    }
    used = {"share_embedding", "max_len", "padding", "feature_encoder", "splitter", "min_categr_count"}
    return feature, frozenset(used), tuple(notes)


def _least(column: Column) -> Field:
    found = column.get("min_categr_count")
    return {} if found is None else {"minFrequency": found}


def _own_embedding(column: Column) -> str:
    return f"share_embedding {column['share_embedding']} has no counterpart: it has values and embeddings of its own"
