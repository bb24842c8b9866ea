"""Invalid FuxiCTR configurations are rejected with file, key and remedy, and the command overwrites no file."""

from pathlib import Path
from typing import Any

import pytest
from command_line import ctrlab
from fuxictr_configs import ITEM, write_config

from ctrlab.importers.fuxictr.experiment_document import import_config
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import parse_manifests


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feature_cols": "item"}, "dataset_config.yaml, ads_x1.feature_cols: found str; expected a list of columns"),
        ({"feature_cols": [{"type": "numeric"}]}, "feature_cols[0]: found {'type': 'numeric'}; expected a mapping"),
        (
            {"feature_cols": [{"name": "x", "type": "text"}]},
            "feature_cols[0].type: found 'text'; allowed are categorical, numeric, sequence, embedding, meta",
        ),
        (
            {"feature_cols": [{**ITEM, "type": "meta"}]},
            "ads_x1.feature_cols: no column becomes a feature; at least one is needed",
        ),
        ({"label_col": None}, "ads_x1.label_col: found None; expected a mapping with name"),
        ({"train_data": None}, "ads_x1.train_data: found None; an experiment needs rows for train, valid and test"),
        ({"valid_data": "data/test.csv"}, "ads_x1.test_data: is the same as valid_data"),
        ({"valid_size": 0.1}, "ads_x1.test_size: is missing: an experiment has either"),
        ({"valid_size": "few", "test_size": 1}, "ads_x1.valid_size: found 'few' and test_size 1; expected numbers"),
        ({"data_format": "npz"}, "ads_x1.data_format: found 'npz'; allowed are csv and parquet"),
        ({"sep": ";"}, "ads_x1.sep: found ';'; allowed are a comma and a tab"),
        ({"min_categr_count": 0}, "ads_x1: spec.dataset.preprocessing.minFrequency"),
        ({"label_col": {"name": "item"}}, "the label column 'item' cannot be a feature"),
    ],
)
def test_invalid_setting_is_named_with_file_and_key(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec) as caught:
        import_config(write_config(tmp_path, change), None)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "dataset_config.yaml: not valid YAML: "),
        ("- a", "dataset_config.yaml: found list; expected a mapping from names"),
        ("a: 3", "dataset_config.yaml: a is int; expected a mapping from names"),
        ("a: {data_root: x}", "contains 0 data sets (none); a data set has feature_cols, unless"),
        ("a: {feature_cols: []}\nb: {feature_cols: []}", "contains 2 data sets (a, b); choose one with --dataset"),
    ],
)
def test_invalid_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "dataset_config.yaml").write_text(text)
    with pytest.raises(InvalidSpec) as caught:
        import_config(tmp_path, None)
    assert message in str(caught.value)


def test_command_does_not_overwrite_and_exits_with_2_for_invalid_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, output = write_config(tmp_path, {}), tmp_path / "experiment.yaml"
    command = ["data", "import-fuxictr", str(config)]
    assert ctrlab(monkeypatch, *command, "--dataset", "ads_x1", "--output", str(output)) == 0
    assert parse_manifests(output.read_text(), "output")
    assert "differs from FuxiCTR: no model can be imported" in capsys.readouterr().err
    assert ctrlab(monkeypatch, *command) == 0
    assert capsys.readouterr().out == output.read_text()
    for invalid, message in (
        ((*command, "--output", str(output)), f"--output: {output} cannot be written: File exists"),
        ((*command, "--dataset", "none"), f"--dataset: {config} has no data set 'none'; known: ads_x1"),
        ((*command[:2], str(tmp_path / "no")), f"{tmp_path / 'no'}: no such file or folder"),
        ((*command[:2], str(tmp_path)), "contains neither dataset_config.yaml nor dataset_config/*.yaml"),
    ):
        assert ctrlab(monkeypatch, *invalid) == 2
        assert message in capsys.readouterr().err
