"""`ctrlab data inspect` names what looks like a leak."""

import json
from pathlib import Path

import pandas as pd

from ctrlab_contract.dataset import Dataset
from ctrlab_trainer.data.inspection import inspect


def test_revealing_constant_and_repeated_data_and_a_split_against_time_are_named(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "item": [f"i{i % 20}" for i in range(200)],
            "paid": [("yes" if i % 3 == 0 else "no") for i in range(200)],
            "shop": ["one"] * 200,
            "time": [i % 50 for i in range(200)],
            "click": [int(i % 3 == 0) for i in range(200)],
        }
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    spec = {
        "source": {"uri": f"file://{tmp_path}/rows.csv", "format": "csv"},
        "label": {"column": "click"},
        "time": "time",
        "features": [{"name": name, "type": "Categorical"} for name in ("item", "paid", "shop")],
        "split": {"strategy": "Random"},
    }
    found = inspect(Dataset.model_validate_json(json.dumps(spec)))
    text = "\n".join(warning.message for warning in found.warnings)
    assert "feature paid alone reaches AUC 1.0000" in text
    assert "feature shop is constant" in text
    assert "are also in train, equal in every column that is read but the label" in text
    assert "of the rows of train are later than the earliest row of test" in text
    assert [part.rows for part in found.parts] == [160, 20, 20]
