"""Valid and invalid data sets: features, splits and negatives in every combination that a rule mentions."""

from typing import Any, Final

from builders import ABSENT, with_changes

from resource_examples.accepted_examples import EXPERIMENT, MINIMAL_EXPERIMENT
from resource_examples.rejected_example import RejectedExample

PRETRAINED: Final = {"uri": "s3://datasets/texts.parquet", "vector": "text", "training": "FineTuned", "missing": "Mean"}

FEATURES: Final[list[dict[str, Any]]] = [
    {"name": "user_id", "type": "Categorical"},
    {"name": "item_id", "type": "Categorical"},
    {"name": "category", "type": "Categorical"},
    {"name": "text", "type": "Categorical", "column": "item_id", "pretrained": PRETRAINED},
    {"name": "query", "type": "Categorical", "hashBuckets": 1000},
    {"name": "tags", "type": "MultiCategorical", "separator": "|", "pooling": "Max", "hashBuckets": 100},
    {"name": "user_category", "type": "Cross", "cross": ["user_id", "category"], "minFrequency": 2},
    {"name": "hist_item", "type": "History", "of": "item_id", "maxLength": 20, "timeGaps": True},
    {"name": "hist_category", "type": "History", "of": "category", "through": "hist_item"},
    {"name": "hist_text", "type": "History", "of": "text"},
    {"name": "labels", "type": "MultiCategorical", "columns": ["label_{0..4}"], "padding": "0", "keep": "Latest"},
    {
        "name": "seen_item",
        "type": "History",
        "of": "item_id",
        "timeGaps": True,
        "stored": {"column": "seen", "separator": "^", "padding": "0", "order": "LatestFirst", "times": "seen_at"},
    },
    {"name": "seen_category", "type": "History", "of": "category", "stored": {"columns": ["seen_{00..49}"]}},
    {"name": "image", "type": "Vector", "width": 64, "separator": " ", "transform": "AsIs"},
]
ALL_FEATURE_TYPES: Final = with_changes(EXPERIMENT, {"spec.dataset.features": FEATURES})
STORED_HISTORIES: Final = with_changes(
    MINIMAL_EXPERIMENT,
    {
        "spec.dataset.features": [
            {"name": "item", "type": "Categorical"},
            {"name": "kind", "type": "Categorical"},
            {"name": "hist_item", "type": "History", "of": "item", "stored": {}},
            {"name": "hist_kind", "type": "History", "of": "kind", "through": "hist_item"},
        ]
    },
)
POSITIVES_ONLY: Final = with_changes(
    EXPERIMENT,
    {
        "spec.dataset.label": ABSENT,
        "spec.dataset.time": ABSENT,
        "spec.dataset.order": "Rows",
        "spec.dataset.split": {"strategy": "LeaveLastOut"},
        "spec.dataset.negatives.attributes": ["genres"],
    },
)

ACCEPTED_DATASETS: Final[dict[str, dict[str, Any]]] = {
    "features of every type": ALL_FEATURE_TYPES,
    "histories of rows without user and time": STORED_HISTORIES,
    "positives in chronological order": POSITIVES_ONLY,
    "a random split by users": with_changes(EXPERIMENT, {"spec.dataset.split": {"strategy": "Random", "by": "User"}}),
    "a UserColdStart split": with_changes(
        EXPERIMENT, {"spec.dataset.split": {"strategy": "UserColdStart", "fractions": ["0.6", "0.2", "0.2"]}}
    ),
    "text times with a declared format": with_changes(
        EXPERIMENT,
        {"spec.dataset.time": {"column": "ts", "format": "%d/%m/%Y", "timezone": "Europe/Berlin"}},
    ),
    "labels that are text": with_changes(
        EXPERIMENT, {"spec.dataset.label": {"column": "rating", "positive": ["click", "buy"]}}
    ),
    "numeric times with a declared unit": with_changes(
        EXPERIMENT, {"spec.dataset.time": {"column": "ts", "unit": "ms", "format": None}}
    ),
    "a time column as an object with its name alone": with_changes(
        EXPERIMENT, {"spec.dataset.time": {"column": "t" * 128}}
    ),
    "missing values written as a dash": with_changes(EXPERIMENT, {"spec.dataset.missing": ["", "-"]}),
    "weighted rows": with_changes(EXPERIMENT, {"spec.dataset.weight": {"column": "ips", "metrics": True}}),
    "impression groups": with_changes(
        EXPERIMENT,
        {
            "spec.dataset.group": "impression",
            "spec.dataset.split": {"strategy": "Random", "by": "Group"},
            "spec.analysis.metrics": ["auc", "gauc", "auc_by_group"],
            "spec.analysis.primaryMetric": "auc_by_group",
        },
    ),
    "a split by files": with_changes(
        MINIMAL_EXPERIMENT,
        {
            "spec.dataset.split": {
                "strategy": "Predefined",
                "files": {"train": "train*.csv", "valid": "valid.csv", "test": "test.csv"},
            }
        },
    ),
}

SPLIT: Final = "spec.dataset.split"


def _feature(number: int, message: str, rejected_by: Any = "rule", **fields: Any) -> RejectedExample:
    """Return an example with changed fields of one of FEATURES, rejected at the path of that feature."""
    path = f"spec.dataset.features[{number}]"
    changes = {f"{path}.{name}": value for name, value in fields.items()}
    return RejectedExample({"spec.dataset.features": FEATURES} | changes, path, message, rejected_by)


def _dataset(message: str, changes: dict[str, Any], rejected_by: Any = "rule") -> RejectedExample:
    return RejectedExample({"spec.dataset.features": FEATURES} | changes, "spec.dataset", message, rejected_by)


def _time(where: str, time: Any, message: str) -> RejectedExample:
    return RejectedExample({"spec.dataset.time": time}, f"spec.dataset.{where}", message, "policy")


REJECTED_DATASETS: Final[dict[str, RejectedExample]] = {
    "a split by Group without group": _dataset(
        "group is required for a Random split by Group",
        {"spec.dataset.split": {"strategy": "Random", "by": "Group"}},
        "rule",
    ),
    "the label as weight": _dataset(
        "the label column 'rating' cannot be the weight", {"spec.dataset.weight": {"column": "rating"}}, "rule"
    ),
    "column and columns of a stored History": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[12].stored.column": "seen"},
        "spec.dataset.features[12].stored",
        "column and columns are mutually exclusive",
        "rule",
    ),
    "a separator of numbered columns": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[12].stored.separator": "^"},
        "spec.dataset.features[12].stored",
        "columns have one id each: leave out separator and times",
        "rule",
    ),
    "a Vector without width": _feature(13, "width is required for Vector and only for it", width=ABSENT),
    "a Vector in buckets": _feature(13, "a Vector has the transform Standardize or AsIs", transform="LogBucket"),
    "a numbered column twice": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[10].columns": ["label_{0..4}", "label_3"]},
        "spec.dataset.features[10].columns",
        "the column 'label_3' is named twice",
        "operator",
    ),
    "too many numbered columns": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[10].columns": ["label_{0..1000}"]},
        "spec.dataset.features[10].columns",
        "names more than 1000 columns",
        "operator",
    ),
    "column and columns of a MultiCategorical feature": _feature(
        10, "columns have one id each: leave out column and separator", column="labels"
    ),
    "columns of a Categorical feature": _feature(1, "columns is for MultiCategorical", columns=["a", "b"]),
    "padding of a Categorical feature": _feature(1, "padding is for MultiCategorical", padding="0"),
    "keep of a History": _feature(9, "keep is for MultiCategorical", keep="Latest"),
    "stored events of a Categorical feature": _feature(1, "stored is for History features", stored={}),
    "stored events of a History with through": _feature(
        8, "leave out maxLength, timeGaps and stored", stored={"column": "seen"}
    ),
    "time gaps of stored events without times": _feature(
        11, "stored.times is required for timeGaps of a stored History", stored={"column": "seen"}
    ),
    "times of stored events without time": _dataset(
        "time is required for stored.times",
        {
            "spec.dataset.time": ABSENT,
            "spec.dataset.split": {"strategy": "Random"},
            "spec.dataset.features": [
                *FEATURES[:3],
                {"name": "seen", "type": "History", "of": "item_id", "stored": {"times": "at"}},
            ],
        },
        "policy",
    ),
    "stored events in the label column": _dataset(
        "the label column 'rating' cannot be a feature", {"spec.dataset.features[11].stored.column": "rating"}
    ),
    "a label with positive and positiveWhen": RejectedExample(
        {"spec.dataset.label.positive": ["click"]},
        "spec.dataset.label",
        "leave one of them out",
        "rule",
    ),
    "a time with format and unit": RejectedExample(
        {"spec.dataset.time": {"column": "ts", "format": "%Y", "unit": "s"}},
        "spec.dataset.time",
        "format is for times that are text and unit for numbers",
        "policy",
    ),
    "a time format without directives": RejectedExample(
        {"spec.dataset.time": {"column": "ts", "format": "dd/mm/yyyy"}},
        "spec.dataset.time",
        'a strptime pattern such as "%d/%m/%Y"',
        "policy",
    ),
    "an unknown field of time": RejectedExample(
        {"spec.dataset.time": {"column": "ts", "units": "s"}},
        "spec.dataset.time.units",
        "did you mean unit?",
        "policy",
    ),
    "a time column without name": _time("time.column", "", "at least 1 character"),
    "a time column with a name that is too long": _time("time.column", "t" * 129, "at most 128 characters"),
    "a number as time column": _time("time", 3, "expected the name of a column as text, or a mapping"),
    "a list as time column": _time("time", ["ts"], "expected the name of a column as text, or a mapping"),
    "a time object without column": _time("time.column", {"unit": "s"}, "required"),
    "a time object whose column is a number": _time("time.column", {"column": 3}, "text"),
    "an unknown unit of time": _time(
        "time.unit", {"column": "ts", "unit": "min"}, "'s', 'ms', 'us', 'ns' or 'Ordinal'"
    ),
    "a time format of one character": _time("time.format", {"column": "ts", "format": "%"}, "at least 2 characters"),
    "a time format that is too long": _time(
        "time.format", {"column": "ts", "format": "%Y" + "-" * 63}, "at most 64 characters"
    ),
    "a time format that is a number": _time("time.format", {"column": "ts", "format": 2024}, "text"),
    "a time zone without name": _time("time.timezone", {"column": "ts", "timezone": ""}, "at least 1 character"),
    "a time with unit and time zone": _time(
        "time", {"column": "ts", "unit": "s", "timezone": "UTC"}, "timezone is for times that are text"
    ),
    "a History without time and order": RejectedExample(
        {"spec.dataset.time": ABSENT, "spec.dataset.split": {"strategy": "Random"}},
        "spec.dataset",
        "user and time (or order) are required for the History feature",
        "policy",
    ),
    "the same missing text twice": RejectedExample(
        {"spec.dataset.missing": ["-", "-"]}, "spec.dataset.missing", "'-' is given twice"
    ),
    "a Cross without features": _feature(6, "cross is required for Cross", cross=ABSENT),
    "a Cross of one feature": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[6].cross": ["category"]},
        "spec.dataset.features[6].cross",
        "needs at least 2",
    ),
    "a Cross of a History": _dataset(
        "'hist_item', which is not a Categorical feature; known: user_id, item_id, category, text, query",
        {"spec.dataset.features[6].cross": ["user_id", "hist_item"]},
        "operator",
    ),
    "a column of a History": _feature(
        7, "column is for Categorical, Numeric, MultiCategorical and Vector", column="item_id"
    ),
    "pooling of a Categorical feature": _feature(
        1, "pooling is for MultiCategorical features, not Categorical", pooling="Sum"
    ),
    "an unknown pooling": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[5].pooling": "Median"},
        "spec.dataset.features[5].pooling",
        "expected 'Mean', 'Sum' or 'Max', not 'Median'",
    ),
    "hash buckets of a History": _feature(9, "hashBuckets is for Categorical, MultiCategorical", hashBuckets=10),
    "one hash bucket": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[4].hashBuckets": 1},
        "spec.dataset.features[4].hashBuckets",
        "greater than or equal to 2, not 1",
    ),
    "minFrequency with hash buckets": _feature(4, "leave out minFrequency and pretrained", minFrequency=2),
    "pretrained vectors of a MultiCategorical feature": _feature(
        5, "pretrained is for Categorical features", hashBuckets=ABSENT, pretrained=PRETRAINED
    ),
    "pretrained vectors without column": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[3].pretrained": {"uri": "file:///v.parquet"}},
        "spec.dataset.features[3].pretrained.vector",
        "required, but missing",
    ),
    "an unknown treatment of missing vectors": RejectedExample(
        {"spec.dataset.features": FEATURES, "spec.dataset.features[3].pretrained.missing": "Drop"},
        "spec.dataset.features[3].pretrained.missing",
        "expected 'Learned', 'Zero' or 'Mean', not 'Drop'",
    ),
    "through of a Categorical feature": _feature(2, "through is for History features", through="hist_item"),
    "through an unknown History": _dataset(
        "through 'hist_shop', which is not a History feature without through; known: hist_item, hist_text",
        {"spec.dataset.features[8].through": "hist_shop"},
    ),
    "through with maxLength": _feature(8, "leave out maxLength, timeGaps and stored", maxLength=10),
    "time gaps of a Categorical feature": _feature(2, "timeGaps is for History features", timeGaps=True),
    "time gaps without time": _dataset(
        "time is required for timeGaps of 'hist_item'",
        {
            "spec.dataset.time": ABSENT,
            "spec.dataset.order": "Rows",
            "spec.dataset.split": {"strategy": "LeaveLastOut"},
        },
        "policy",
    ),
    "neither label nor negatives": _dataset(
        "label is required unless negatives are sampled",
        {"spec.dataset.label": ABSENT, "spec.dataset.negatives": ABSENT},
    ),
    "time and order": _dataset("leave one of them out", {"spec.dataset.order": "Rows"}, "policy"),
    "a feature of the label column": _dataset(
        "the label column 'rating' cannot be a feature",
        {"spec.dataset.features[2].column": "rating"},
    ),
    "a LeaveLastOut split without order": _dataset(
        "time or order is required for a LeaveLastOut split",
        {
            "spec.dataset.time": ABSENT,
            "spec.dataset.split": {"strategy": "LeaveLastOut"},
            "spec.dataset.features": FEATURES[:3],
        },
        "policy",
    ),
    "a split by users without user": _dataset(
        "user is required for a Random split by User",
        {
            "spec.dataset.user": ABSENT,
            "spec.dataset.split": {"strategy": "Random", "by": "User"},
            "spec.dataset.features": FEATURES[:3],
            "spec.dataset.negatives": ABSENT,
        },
    ),
    "a UserColdStart split without time": _dataset(
        "time is required for a UserColdStart split",
        {
            "spec.dataset.time": ABSENT,
            "spec.dataset.split": {"strategy": "UserColdStart"},
            "spec.dataset.features": FEATURES[:3],
        },
        "policy",
    ),
    "negatives without user": _dataset(
        "user is required for negatives", {"spec.dataset.user": ABSENT, "spec.dataset.features": FEATURES[:3]}
    ),
    "negatives without item": RejectedExample(
        {"spec.dataset.negatives.item": ABSENT}, "spec.dataset.negatives.item", "required, but missing"
    ),
    "the item as its own attribute": RejectedExample(
        {"spec.dataset.negatives.attributes": ["genres", "item_id"]},
        "spec.dataset.negatives",
        "attributes must be columns other than the item",
        "rule",
    ),
    "an unknown sampling strategy": RejectedExample(
        {"spec.dataset.negatives.strategy": "Hard"},
        "spec.dataset.negatives.strategy",
        "expected 'Uniform' or 'Popularity', not 'Hard'",
    ),
    "by for a Temporal split": RejectedExample({f"{SPLIT}.by": "User"}, SPLIT, "by is for strategy Random", "rule"),
    "a split by column and by files": RejectedExample(
        {SPLIT: {"strategy": "Predefined", "column": "c", "files": {"train": "a", "valid": "b", "test": "c"}}},
        SPLIT,
        "column and files are mutually exclusive",
        "rule",
    ),
    "the same file for two parts": RejectedExample(
        {SPLIT: {"strategy": "Predefined", "files": {"train": "a", "valid": "b", "test": "b"}}},
        f"{SPLIT}.files",
        "must be different",
        "rule",
    ),
    "an unknown split strategy": RejectedExample(
        {f"{SPLIT}.strategy": "Stratified"},
        f"{SPLIT}.strategy",
        "'Predefined', 'LeaveLastOut' or 'UserColdStart', not 'Stratified'",
    ),
}
