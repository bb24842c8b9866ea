"""Lists of ids in every form that files have: understood in the same way, or rejected with row and remedy."""

from typing import Any

import pyarrow as pa
import pytest
from builders import csv_source, make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.encoders import build_encoder
from ctrlab_trainer.data.encoders.multicategorical import MultiCategoricalEncoder
from ctrlab_trainer.data.encoders.vocabulary import Vocabulary
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.source_tables import SourceTable

SPLIT = ["train"] * 4 + ["valid"] * 2 + ["test"] * 2


def encoded(source: dict[str, Any], **fields: Any) -> EncodedDataset:
    """Encode eight rows with one feature `x`, four of them in train."""
    feature = {"name": "x", "type": "MultiCategorical", **fields}
    rows = {"split": SPLIT, "click": [0, 1] * 4, **source}
    split = {"strategy": "Predefined", "column": "split"}
    dataset = make_dataset(source=csv_source(), features=[feature], split=split)
    return encode_dataset(SourceTable(pa.table(rows), (("rows.csv", 8),)), dataset)


def ids_of(values: Any, **fields: Any) -> list[list[str]]:
    """Return the ids of one list per row as text, with all rows in train."""
    dataset = make_dataset(source=csv_source(), features=[{"name": "x", "type": "MultiCategorical", **fields}])
    encoder = build_encoder(dataset.features[0], dataset)
    assert isinstance(encoder, MultiCategoricalEncoder)
    columns = values if isinstance(values, dict) else {"x": values}
    table = pa.table(columns)
    rows = SourceTable(table, (("rows.csv", table.num_rows),))
    fitted = encoder.fit(encoder.observe(rows, pa.array([True] * table.num_rows).to_numpy(zero_copy_only=False)))
    assert isinstance(fitted, Vocabulary)
    names = fitted.values.to_pylist()
    return [[names[number - 1] for number in row if number >= 0] for row in encoder.encode(rows, fitted).tolist()]


TEXTS: dict[str, tuple[list[str], dict[str, Any], list[list[str]]]] = {
    "a Python list": (["[4, 0, 2]", "[]", "[7]"], {"separator": ","}, [["4", "0", "2"], [], ["7"]]),
    "a Python list with the default separator": (["[4, 0, 2]", "[7]"], {}, [["4", "0", "2"], ["7"]]),
    "a Python list of texts": (["['a', 'b c']", "['it\\'s']"], {}, [["a", "b c"], ["it's"]]),
    "a JSON list": (['["a", "b, c"]', '["\\u00e9 \\ud83d\\ude00"]'], {}, [["a", "b, c"], ["é 😀"]]),
    "a tuple": (["(4, 0)", "(7,)", "()"], {}, [["4", "0"], ["7"], []]),
    "an array of PostgreSQL": (["{4,0}", "{7}", "{}"], {}, [["4", "0"], ["7"], []]),
    "a Python set": (["{4, 0}", "{'a'}", "set()"], {}, [["4", "0"], ["a"], []]),
    "an array of numpy": (["[4 0  2]", "[ 7\n 12]"], {}, [["4", "0", "2"], ["7", "12"]]),
    "an array of numpy beside a separator": (["[4 0 2]", "[1. nan]"], {"separator": ","}, [["4", "0", "2"], ["1."]]),
    "an array of texts of numpy": (["['a' 'b']"], {"separator": ","}, [["a", "b"]]),
    "brackets around separated ids": (["[4^0]", "[7]"], {"separator": "^"}, [["4", "0"], ["7"]]),
    "spellings are kept": (["[007, 7.0, True]"], {}, [["007", "7.0", "True"]]),
    "spaces around a separator": (["Action | Comedy", " Action|Drama "], {"separator": "|"}, [
        ["Action", "Comedy"], ["Action", "Drama"],
    ]),
    "spaces in an id": (["New York |Rome"], {"separator": "|"}, [["New York", "Rome"]]),
    "several spaces as separator": (["a  b "], {}, [["a", "b"]]),
    "missing elements": (["a|NaN||null|b", "NaN", ""], {"separator": "|"}, [["a", "b"], [], []]),
    "missing elements in brackets": (["[None, 'a', nan]"], {}, [["a"]]),
    "ids in brackets": (["[a] [b]"], {}, [["[a]", "[b]"]]),
    "a year in parentheses": (["(1995)", "Toy (1995)"], {}, [["(1995)"], ["Toy", "(1995)"]]),
    "padding at the end": (["1|2|0|0", "0|0|0|0"], {"separator": "|", "padding": "0"}, [["1", "2"], []]),
    "padding at the beginning": (["0|0|1|2|3"], {"separator": "|", "padding": "0", "maxLength": 2}, [["1", "2"]]),
    "the latest ids": (["1 2 3 4", "5"], {"maxLength": 2, "keep": "Latest"}, [["3", "4"], ["5"]]),
    "the first ids": (["1 2 3 4", "5"], {"maxLength": 2, "keep": "First"}, [["1", "2"], ["5"]]),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_lists_in_text_are_read_as_ids(name: str) -> None:
    texts, fields, expected = TEXTS[name]
    assert ids_of(texts, **fields) == expected


TYPED: dict[str, tuple[pa.Array, list[list[str]]]] = {
    "integers": (pa.array([[4, None, 2], None, []], pa.list_(pa.int32())), [["4", "2"], [], []]),
    "integers above 2^53": (pa.array([[2**63 + 1, 2**63]], pa.list_(pa.uint64())), [[str(2**63 + 1), str(2**63)]]),
    "floats": (pa.array([[4.0, float("nan"), 0.1]], pa.large_list(pa.float64())), [["4", "0.1"]]),
    "booleans": (pa.array([[True, False]], pa.list_(pa.bool_())), [["true", "false"]]),
    "texts as they are written": (pa.array([[" a", "a", "007", ""]]), [[" a", "a", "007"]]),
    "lists of fixed size": (pa.array([[1, 2], [3, 1]], pa.list_(pa.int64(), 2)), [["1", "2"], ["3", "1"]]),
    "list views": (pa.array([[1, 2], [3]], pa.list_view(pa.int64())), [["1", "2"], ["3"]]),
    "dictionary texts": (pa.array([["a", "b"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), [["a", "b"]]),
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_lists_have_the_canonical_text_of_their_values(name: str) -> None:
    values, expected = TYPED[name]
    assert ids_of(values) == expected


def test_numbered_columns_form_one_list() -> None:
    columns = {"h_0": [4, 7, None], "h_1": [0.0, None, None], "h_2": ["2", "", "a"]}
    assert ids_of(columns, columns=["h_{0..2}"], padding="0") == [["4", "2"], ["7"], ["a"]]
    assert ids_of(columns, columns=["h_2", "h_0"]) == [["2", "4"], ["7"], ["a"]]


INVALID: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "a list in a list": (["[1]", "[[1, 2], [3]]"], {}, r"row 2, column x: .*is not a flat list"),
    "an object": (["{'a': 1}"], {}, r"row 1, column x: .*is not a flat list"),
    "a JSON object": (['{"a": 1, "b": 2}'], {"separator": ","}, "is not a flat list"),
    "objects in a list": (["[{'a': 1}]"], {}, "is not a flat list"),
    "an open bracket": (["a", "[1, 2"], {}, r"row 2, column x: '\[1, 2' begins with '\['"),
    "a closing bracket": (["1, 2]"], {"separator": ","}, r"ends with '\]' only"),
    "an open quote": (["['a, 'b']"], {}, "is not a flat list"),
    "an abbreviated array": (["[0 1 ... 98 99]"], {}, r"is abbreviated with '\.\.\.'; write the whole list"),
    "a list that Spark prints": (["WrappedArray(1, 2)"], {}, "write the list alone"),
    "a frozen set": (["frozenset({1, 2})"], {}, "write the list alone"),
    "the text of an array": (["array([1, 2])"], {}, "write the list alone"),
    "two syntaxes": (["[1, 2]", "3 4"], {}, "row 1, column x: a list has brackets with commas, and one at .*row 2"),
    "two kinds of brackets": (["[1, 2]", "[3 4]"], {}, "brackets with spaces, and one at .* has brackets with commas"),
}


@pytest.mark.parametrize("name", INVALID)
def test_text_that_is_no_list_is_rejected_with_its_row(name: str) -> None:
    texts, fields, message = INVALID[name]
    with pytest.raises(InvalidData, match=message):
        ids_of(texts, **fields)


def test_the_record_counts_lists_that_are_truncated_and_elements_that_are_left_out() -> None:
    lists = ["1 2 3", "1", "0 0 4 5 6", "nan 1", "", "1 2", "9 9 9", "1"]
    (facts,) = encoded({"x": lists}, maxLength=2, keep="Latest", padding="0").lists
    assert facts.record.to_json() == (
        '{\n  "feature": "x",\n  "rows": 8,\n  "longest": 3,\n  "maxLength": 2,\n  "truncated": 3,\n'
        '  "kept": "Latest",\n  "missing": 1,\n  "padding": 2\n}\n'
    )
    assert facts.warnings == (
        "feature x: 3 of 8 lists (37.5%) have more than maxLength 2 ids and keep the latest 2; the longest has 3",
        "feature x: 1 elements of its lists are missing and left out",
    )


@pytest.mark.parametrize(
    ("lists", "side"),
    [
        (["1|1|0|0|0", "2|2|0|0|0", "3|4|5|0|0", "3|4|5|6|7"], "end"),
        (["0|0|1|2|3", "0|0|0|4|5", "0|0|0|0|6", "1|2|3|4|5"], "beginning"),
    ],
)
def test_a_value_that_fills_one_end_of_most_lists_is_reported_as_padding(lists: list[str], side: str) -> None:
    (facts,) = encoded({"x": [*lists, *lists]}, separator="|").lists
    (warning,) = facts.warnings
    assert warning.startswith(f"feature x: '0' fills the {side} of 75.0% of the lists of train")
    assert "set padding: '0'" in warning
    (declared,) = encoded({"x": [*lists, *lists]}, separator="|", padding="0").lists
    assert declared.warnings == ()


def test_a_padding_that_no_list_has_is_reported() -> None:
    (lists,) = encoded({"x": [["1", "0"]] * 8}, padding="0.0").lists
    assert "feature x: no list has the padding '0.0'; write it as the lists have it" in lists.warnings


@pytest.mark.parametrize(
    "lists", [["a b c", "c b c", "b a c", "c c"], ["a", "b", "a", "a"], ["old old new", "old x"] * 2]
)
def test_values_that_are_often_last_are_not_padding(lists: list[str]) -> None:
    (facts,) = encoded({"x": [*lists, *lists]}).lists
    assert facts.warnings == ()


def test_another_separator_in_every_list_is_reported() -> None:
    (facts,) = encoded({"x": ["a|b", "c|d", "a", "b|c"] * 2}).lists
    assert facts.warnings == (
        "feature x: lists are divided at ' ', but no list has this separator, and most have '|'; set separator: '|' if "
        "it divides the ids",
    )


def test_ids_that_end_with_a_separator_are_reported() -> None:
    (facts,) = encoded({"x": ["a, b", "c, d, a", "a", "b, c"] * 2}).lists
    assert facts.warnings == (
        "feature x: lists are divided at ' ', but ids end with ','; set separator: ',' if it divides the ids",
    )
    (facts,) = encoded({"x": ["well, it rains", "a b c", "a d", "b c"] * 2}).lists
    assert facts.warnings == ()


LISTS = pa.array([[1, 2], [2], [], None, [1], [3], [1], [2]], pa.list_(pa.int64()))


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"type": "Numeric"}, "use type MultiCategorical for ids, Vector with a width for numbers"),
        ({"type": "Categorical"}, "use type MultiCategorical for ids"),
        ({"type": "Categorical", "hashBuckets": 5}, "use type MultiCategorical for ids"),
        ({"type": "MultiCategorical", "columns": ["x"]}, "numbered columns have one id each"),
    ],
)
def test_a_column_of_lists_for_one_value_is_rejected_with_a_remedy(feature: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData, match=rf"rows\.csv, column x: has the type list<.*{message}"):
        encoded({"x": LISTS}, **feature)


@pytest.mark.parametrize("role", ["click", "user", "split"])
def test_a_key_column_of_lists_is_rejected(role: str) -> None:
    rows = {"x": ["a"] * 8, "split": SPLIT, "click": [0, 1] * 4, "user": ["u"] * 8, role: LISTS}
    split = {"strategy": "Predefined", "column": "split"}
    features = [{"name": "x", "type": "Categorical"}]
    dataset = make_dataset(source=csv_source(), features=features, split=split, user="user")
    with pytest.raises(InvalidData, match=rf"rows\.csv, column {role}: has the type list<.*one value per row"):
        encode_dataset(SourceTable(pa.table(rows), (("rows.csv", 8),)), dataset)
