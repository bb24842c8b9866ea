"""The advice on labels other than 0 and 1: each suggested comparison is valid and gives rows of both classes."""

import re

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.row_labels import Label
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.splits.click_labels import click_labels

LABELS = {
    "signs": ([-1, 1, -1, 1], ["> 0"], [0, 1, 0, 1]),
    "signs with zero": ([-1, 0, 1, -1], ["> 0"], [0, 0, 1, 0]),
    "one and two": ([1, 2, 1, 1], ["== 2", "== 1"], [0, 1, 0, 0]),
    "counts or grades from 0": ([0, 4, 2, 0, 3, 1], ["> 0", ">= 2"], [0, 1, 1, 0, 1, 1]),
    "ratings": ([1, 5, 4, 3, 2, 5], [">= 4"], [0, 1, 1, 0, 0, 1]),
    "soft labels": ([0.1, 0.7, 0.5, 0.2], [">= 0.5"], [0, 1, 1, 0]),
    "soft labels below a half": ([0.1, 0.2, 0.3, 0.4], [">= 0.3"], [0, 0, 1, 1]),
    "tiny numbers": ([1e-7, 2e-7, 3e-7, 1e-7], [">= 0.0000002"], [0, 1, 1, 0]),
    "percentages": ([0, 100, 100, 0], ["== 100", "== 0"], [0, 1, 1, 0]),
    "negative numbers": ([-3, -1, -2, -3], [">= -2"], [0, 1, 1, 0]),
}


def _table(labels: list[float]) -> SourceTable:
    return SourceTable(pa.table({"click": pa.array(labels, pa.float64())}), (("rows.csv", len(labels)),))


@pytest.mark.parametrize(("labels", "comparisons", "clicks"), LABELS.values(), ids=LABELS)
def test_suggested_comparisons_divide_the_rows(labels: list[float], comparisons: list[str], clicks: list[int]) -> None:
    with pytest.raises(InvalidData) as error:
        click_labels(_table(labels), Label(column="click"))
    suggested = re.findall(r'"([^"]+)" \(([0-9.]+)% of the rows', str(error.value))
    assert [comparison for comparison, _ in suggested] == comparisons
    for comparison, share in suggested:
        label = TypeAdapter(Label).validate_python({"column": "click", "positiveWhen": comparison})
        result = click_labels(_table(labels), label)
        assert set(result) == {0, 1}
        assert float(share) == pytest.approx(100 * np.mean(result), abs=0.06)
    first = Label(column="click", positive_when=comparisons[0])
    assert click_labels(_table(labels), first).tolist() == clicks


def test_a_column_with_one_value_has_no_suggestion() -> None:
    with pytest.raises(InvalidData, match="the column has 5 in every row; a data set needs rows with clicks"):
        click_labels(_table([5, 5]), Label(column="click"))
