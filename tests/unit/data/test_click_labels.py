"""Labels as numbers, truth values and text."""

from typing import Any

import pyarrow as pa
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.row_labels import Label
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.splits.click_labels import click_labels


def _labels(values: Any, **options: Any) -> list[int]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    table = SourceTable(pa.table({"y": column}), (("clicks.csv", len(column)),))
    return [int(label) for label in click_labels(table, Label.model_validate({"column": "y"} | options))]


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        (["0", "1"], {}, [0, 1]),
        (["0.0", "1.0"], {}, [0, 1]),
        ([True, False], {}, [1, 0]),
        (["True", "False"], {}, [1, 0]),
        (["true", "FALSE", " True"], {}, [1, 0, 1]),
        (["click", "view", "buy"], {"positive": ["click", "buy"]}, [1, 0, 1]),
        (["yes", "no"], {"positive": ["yes"]}, [1, 0]),
        ([True, False], {"positive": ["true"]}, [1, 0]),
        ([1, 2], {"positive": ["2"]}, [0, 1]),
        ([-1, 1], {"positiveWhen": "> 0"}, [0, 1]),
        (["-1", "1"], {"positiveWhen": "== 1"}, [0, 1]),
        (pa.array([0.7, 0.6], pa.float32()), {"positiveWhen": ">= 0.7"}, [1, 0]),
        (pa.array([0.7, 0.6], pa.float16()), {"positiveWhen": "!= 0.7"}, [0, 1]),
    ],
)
def test_labels_are_read(values: Any, options: dict[str, Any], expected: list[int]) -> None:
    assert _labels(values, **options) == expected


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["yes", "no"], {}, "row 1, column y: found 'yes'; a label is 0 or 1, or true or false; for other text list"),
        (
            ["4", "4,5"],
            {"positiveWhen": ">= 4"},
            "row 2, column y: found '4,5'; spec.dataset.label.positiveWhen compares",
        ),
        (pa.array([1, 0.99], pa.float32()), {}, "row 2, column y: found 0.99; a label is 0 or 1"),
        (["0", "1", "yes"], {}, "row 3, column y: found 'yes'"),
        (["True", "1"], {}, "row 1, column y: found 'True'"),
        (["True", None], {}, "row 2, column y: the label is missing"),
        (["click", None], {"positive": ["click"]}, "row 2, column y: the label is missing"),
        (
            ["click", "view"],
            {"positive": ["Click"]},
            "'Click' does not occur in the column 'y'; its values: 'click', 'view'",
        ),
        ([0.5, 1.0], {}, "row 1, column y: found 0.5; a label is 0 or 1"),
    ],
)
def test_other_labels_are_rejected(values: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData) as error:
        _labels(values, **options)
    assert message in str(error.value)
