"""One table of texts says which values are missing, for ids, numbers, lists, labels and keys alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.missing_texts import without_missing_texts
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate

FEATURES = [
    {"name": "item", "type": "Categorical"},
    {"name": "price", "type": "Numeric", "transform": "AsIs"},
    {"name": "tags", "type": "MultiCategorical", "separator": "|"},
]
TEXTS = sorted(DEFAULT_MISSING)


def _encode(folder: Path, lines: list[str], **fields: Any) -> tuple[Dataset, EncodedDataset]:
    (folder / "rows.csv").write_text("\n".join(["item,price,tags,click", *lines]) + "\n")
    source = {"uri": f"file://{folder}/rows.csv", "format": "csv"}
    dataset = make_dataset(source=source, label={"column": "click"}, features=FEATURES).model_copy(update=fields)
    table = read_source(
        locate(dataset.source), required_columns(dataset), numeric_columns(dataset), dataset.missing_texts
    )
    return dataset, encode_dataset(table, dataset)


def _lines(missing: Mapping[int, str]) -> list[str]:
    """Return 60 lines of which some have another item, price and tag."""
    values = [missing.get(row, str(row % 3)) for row in range(60)]
    return [f"{value},{value},{value}|{row % 3},{row % 2}" for row, value in enumerate(values)]


def test_all_markers_are_the_same_missing_value(tmp_path: Path) -> None:
    markers = dict(enumerate(TEXTS))
    _, encoded = _encode(tmp_path, _lines(markers))
    items = encoded.fitted["item"]["values"]
    assert isinstance(items, list)
    assert set(items) == {"", "0", "1", "2"}
    assert set(encoded.fitted["tags"]["values"]) == {"0", "1", "2"}  # type: ignore[call-overload]


def test_declared_texts_replace_the_default(tmp_path: Path) -> None:
    _, encoded = _encode(tmp_path, _lines({0: "-", 3: "-"}), missing=("", "-"))
    assert set(encoded.fitted["item"]["values"]) == {"", "0", "1", "2"}  # type: ignore[call-overload]


def test_a_default_that_is_not_declared_is_a_value(tmp_path: Path) -> None:
    dataset, _ = _encode(tmp_path, _lines({}))
    lines = [line.replace("2,2,2|", "NA,2,NA|") for line in _lines({})]
    _, encoded = _encode(tmp_path, lines, missing=("",))
    assert set(encoded.fitted["item"]["values"]) == {"0", "1", "NA"}  # type: ignore[call-overload]
    assert dataset.missing is None


def test_a_marker_that_is_not_declared_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="row 1, column price: found 'NULL'; allowed are finite numbers"):
        _encode(tmp_path, _lines({0: "NULL"}), missing=("",))


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_become_null(kind: pa.DataType) -> None:
    batch = pa.record_batch(
        [pa.array(["a", "NA", None, "", "a"]).cast(kind), pa.array([1, 2, 3, 4, 5])], names=["t", "n"]
    )
    result = without_missing_texts(batch, frozenset({"NA", ""}))
    assert result["t"].to_pylist() == ["a", None, None, None, "a"]
    assert np.asarray(result["n"]).tolist() == [1, 2, 3, 4, 5]
