"""Leaks through lists are reported: lists that contain the item that is predicted, and values that reveal the label."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import csv_source, make_dataset

from ctrlab_trainer.data.inspection.dataset_inspection import describe
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.readers.source_tables import SourceTable

ROWS = 600
SPLIT = {"strategy": "Predefined", "column": "split"}
HISTORY: dict[str, Any] = {"name": "past", "type": "History", "of": "item", "maxLength": 20, "stored": {}}
LIST = {"name": "past", "type": "MultiCategorical", "maxLength": 20}


def warnings_of(feature: dict[str, Any], *, leaking: float, revealing: bool = False) -> tuple[list[str], float]:
    """Return the warnings and the AUC of lists that contain the item of this share of clicks, and of few other rows."""
    random = np.random.default_rng(7)
    clicks, items = random.integers(0, 2, ROWS), random.integers(0, 50, ROWS)
    lists = [[f"i{item}" for item in random.integers(0, 50, 4)] for _ in range(ROWS)]
    for row in np.flatnonzero((clicks == 1) & (random.random(ROWS) < leaking)):
        lists[row].append(f"i{items[row]}")
    if revealing:
        lists = [[*ids, f"paid{click}"] for ids, click in zip(lists, clicks, strict=True)]
    rows = pa.table({"item": [f"i{item}" for item in items], "past": lists, "click": clicks})
    dataset = make_dataset(source=csv_source(), features=[{"name": "item", "type": "Categorical"}, feature])
    table = SourceTable(rows, (("rows.csv", ROWS),))
    inspection = describe(table, dataset, encode_dataset(table, dataset), "data")
    auc = next(statistics.auc for statistics in inspection.features if statistics.name == "past")
    assert auc is not None
    return [warning.message for warning in inspection.warnings if warning.kind == "Reveals"], auc


@pytest.mark.parametrize("feature", [HISTORY, LIST], ids=["a history", "a list"])
def test_a_list_with_the_item_that_is_predicted_is_reported(feature: dict[str, Any]) -> None:
    (warning,), auc = warnings_of(feature, leaking=0.8)
    assert warning.startswith("the list of feature past contains the row's own item in ")
    assert 0.8 < auc < 0.95
    messages, auc = warnings_of(feature, leaking=1.0)
    assert any("contains the row's own item in 100.0% of the clicks" in message for message in messages)
    assert auc > 0.95


@pytest.mark.parametrize("feature", [HISTORY, LIST], ids=["a history", "a list"])
def test_a_list_that_was_written_before_the_click_is_not_reported(feature: dict[str, Any]) -> None:
    messages, auc = warnings_of(feature, leaking=0.0)
    assert messages == []
    assert 0.3 < auc < 0.7


@pytest.mark.parametrize("feature", [HISTORY, LIST], ids=["a history", "a list"])
def test_values_of_a_list_that_reveal_the_label_are_reported(feature: dict[str, Any]) -> None:
    messages, auc = warnings_of(feature, leaking=0.0, revealing=True)
    assert auc > 0.99
    assert any(message.startswith("feature past alone reaches AUC") for message in messages)


def test_events_at_the_time_of_their_row_are_reported() -> None:
    columns: dict[str, Any] = {"item": list("abab" * 3), "click": [0, 1] * 6, "at": list(range(12))}
    columns |= {
        "split": ["train"] * 8 + ["valid", "valid", "test", "test"],
        "past": [["a"]] * 12,
        "past_at": [[0]] * 9 + [[number] for number in range(9, 12)],
    }
    history = {**HISTORY, "stored": {"times": "past_at"}}
    features = [{"name": "item", "type": "Categorical"}, history]
    dataset = make_dataset(source=csv_source(), features=features, time="at", split=SPLIT)
    table = SourceTable(pa.table(columns), (("rows.csv", 12),))
    inspection = describe(table, dataset, encode_dataset(table, dataset), "data")
    messages = [warning.message for warning in inspection.warnings]
    assert any(
        message.startswith("4 rows have an event of feature past at the time of the row itself") for message in messages
    )
