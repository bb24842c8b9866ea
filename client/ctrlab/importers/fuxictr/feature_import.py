"""Converts entries of FuxiCTR's `feature_cols` to features of a data set."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctrlab.importers.fuxictr.config_files import Config

Column = Mapping[str, Any]
Field = dict[str, Any]

COLUMN_TYPES: Final = ("categorical", "numeric", "sequence", "embedding", "meta")
DEFAULT_MAX_LENGTH: Final = 100
"""Values kept of a sequence without max_len."""
POOLINGS: Final = {"MaskedAveragePooling": "Mean", "MaskedSumPooling": "Sum"}
"""FuxiCTR's feature_encoder -> `pooling`."""
COMMON_KEYS: Final = frozenset({"name", "active", "dtype", "type", "source"})
"""Keys of every column that are either converted or not needed."""
DEFAULT_NUM_BUCKETS: Final = 10
"""FuxiCTR's default of num_buckets."""


@dataclass(frozen=True)
class ImportedColumn:
    """The feature of one column, if any, and notes on what has no counterpart."""

    feature: Field | None
    """None for a column that models do not use."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Conversion:
    """A feature without its name, the keys of the column that it covers, and notes."""

    feature: Field
    keys: frozenset[str]
    notes: tuple[str, ...] = ()


def active_columns(config: Config) -> Iterator[tuple[str, Column]]:
    """Yield every active column with the path of its entry; an entry with a list of names is several columns."""
    entries = config.dataset["feature_cols"]
    if not isinstance(entries, list) or not entries:
        raise config.problem("feature_cols", f"found {type(entries).__name__}; expected a list of columns")
    for index, entry in enumerate(entries):
        path = f"feature_cols[{index}]"
        if not isinstance(entry, dict) or not entry.get("name"):
            raise config.problem(path, f"found {entry!r:.60}; expected a mapping with name and type")
        if entry.get("type") not in COLUMN_TYPES:
            raise config.problem(f"{path}.type", f"found {entry.get('type')!r}; allowed are {', '.join(COLUMN_TYPES)}")
        if entry.get("active", True):
            names = entry["name"] if isinstance(entry["name"], list) else [entry["name"]]
            for name in names:
                yield path, {**entry, "name": str(name)}


def import_column(column: Column, categorical: Collection[str] = ()) -> ImportedColumn:
    """Convert one column; `categorical` names the columns that become Categorical features."""
    name = column["name"]
    if column["type"] == "meta":
        return ImportedColumn(None)
    if column["type"] == "embedding":
        return ImportedColumn(None, (f"feature {name}: columns of vectors are omitted; see pretrained",))
    is_log_bucket = column["type"] == "categorical" and column.get("preprocess") == "convert_to_bucket"
    if column.get("preprocess") and not is_log_bucket:
        function = column["preprocess"]
        note = f"feature {name}: omitted because {function!r} computes it; write such a column to the file"
        return ImportedColumn(None, (note,))
    if is_log_bucket:
        conversion = _log_bucket_feature()
    elif column["type"] == "sequence" and column.get("share_embedding") in categorical:
        conversion = _history_feature(column)
    else:
        convert = {"categorical": _categorical_feature, "numeric": _numeric_feature, "sequence": _sequence_feature}
        conversion = convert[column["type"]](column)
    handled = COMMON_KEYS | conversion.keys
    omitted = [key for key, value in column.items() if key not in handled and value not in (None, "")]
    notes = [f"feature {name}: {note}" for note in conversion.notes]
    if omitted:
        notes.append(f"feature {name}: {', '.join(omitted)} omitted")
    return ImportedColumn({"name": name, **conversion.feature}, tuple(notes))


def _log_bucket_feature() -> _Conversion:
    note = "convert_to_bucket is interpreted as FuxiCTR's buckets of Criteo, floor(log(x)^2)"
    keys = frozenset({"preprocess", "fill_na", "na_value"})
    return _Conversion({"type": "Numeric", "transform": "LogBucket"}, keys, (note,))


def _categorical_feature(column: Column) -> _Conversion:
    notes = _embedding_notes(column)
    if column.get("remap") is False:
        notes.append("remap: false has no counterpart: values get ids by their frequency")
    keys = {"min_categr_count", "share_embedding", "remap", "vocab_size", "category_processor", "num_buckets"}
    match column.get("category_processor"):
        case "hash_bucket":
            feature: Field = {"type": "Categorical", "hashBuckets": column.get("num_buckets", DEFAULT_NUM_BUCKETS)}
        case "quantile_bucket":
            buckets = column.get("num_buckets", DEFAULT_NUM_BUCKETS)
            feature = {"type": "Numeric", "transform": "QuantileBucket", "buckets": buckets}
        case None:
            feature = {"type": "Categorical", **_min_frequency(column)}
        case other:
            feature = {"type": "Categorical", **_min_frequency(column)}
            notes.append(f"category_processor {other} has no counterpart")
    return _Conversion(feature, frozenset(keys), tuple(notes))


def _numeric_feature(column: Column) -> _Conversion:
    keys = frozenset({"normalizer"})
    match column.get("normalizer"):
        case None:
            return _Conversion({"type": "Numeric", "transform": "AsIs"}, keys)
        case "StandardScaler":
            return _Conversion({"type": "Numeric"}, keys)
        case other:
            note = f"normalizer {other} has no counterpart: the feature is standardized instead"
            return _Conversion({"type": "Numeric"}, keys, (note,))


def _sequence_feature(column: Column) -> _Conversion:
    notes = _embedding_notes(column)
    length = column.get("max_len") or 0
    if length == 0:
        notes.append(f"max_len is missing: {DEFAULT_MAX_LENGTH} values are kept")
    keeps_last = column.get("padding", "post") != "post"
    encoder = str(column.get("feature_encoder", "layers.MaskedAveragePooling()")).removeprefix("layers.")
    pooling = POOLINGS.get(encoder.partition("(")[0])
    if pooling is None:
        notes.append(f"feature_encoder {encoder} has no counterpart: embeddings are averaged")
    feature = {
        "type": "MultiCategorical",
        "separator": column.get("splitter", "^"),
        "maxLength": length or DEFAULT_MAX_LENGTH,
        **({"keep": "Latest"} if keeps_last else {}),
        **({"pooling": pooling} if pooling == "Sum" else {}),
        **_min_frequency(column),
    }
    keys = {"share_embedding", "max_len", "padding", "feature_encoder", "splitter", "min_categr_count"}
    return _Conversion(feature, frozenset(keys), tuple(notes))


def _history_feature(column: Column) -> _Conversion:
    """Convert a sequence that shares the embedding of a categorical column."""
    notes, length = [], column.get("max_len") or 0
    if column.get("padding", "post") == "post":
        notes.append("padding: post keeps the first values of a longer sequence; a History keeps the latest")
    feature = {
        "type": "History",
        "of": str(column["share_embedding"]),
        "maxLength": length or DEFAULT_MAX_LENGTH,
        "stored": {"separator": column.get("splitter", "^")},
    }
    keys = {"share_embedding", "max_len", "padding", "feature_encoder", "splitter", "min_categr_count"}
    return _Conversion(feature, frozenset(keys), tuple(notes))


def _min_frequency(column: Column) -> Field:
    count = column.get("min_categr_count")
    return {} if count is None else {"minFrequency": count}


def _embedding_notes(column: Column) -> list[str]:
    if "share_embedding" not in column:
        return []
    other = column["share_embedding"]
    return [f"share_embedding {other} has no counterpart: the feature has a separate vocabulary and embedding"]
