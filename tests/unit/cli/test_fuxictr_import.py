"""FuxiCTR configurations are converted to experiments, and what has no counterpart is listed."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fuxictr_configs import CLICK, ITEM, import_experiment, write_config


@pytest.mark.parametrize(
    ("column", "expected", "note"),
    [
        ({}, {"type": "Categorical"}, ""),
        ({"min_categr_count": 3, "source": "item"}, {"type": "Categorical", "minFrequency": 3}, ""),
        (
            {"category_processor": "hash_bucket", "num_buckets": 500},
            {"type": "Categorical", "hashBuckets": 500},
            "",
        ),
        (
            {"category_processor": "quantile_bucket", "num_buckets": 20, "dtype": "float"},
            {"type": "Numeric", "transform": "QuantileBucket", "buckets": 20},
            "",
        ),
        (
            {"preprocess": "convert_to_bucket", "dtype": "float", "fill_na": 0},
            {"type": "Numeric", "transform": "LogBucket"},
            "feature x: convert_to_bucket is interpreted as",
        ),
        ({"share_embedding": "item"}, {"type": "Categorical"}, "feature x: share_embedding item has no counterpart"),
        ({"remap": False}, {"type": "Categorical"}, "feature x: remap: false has no counterpart"),
        (
            {"pretrained_emb": "vectors.h5", "freeze_emb": True},
            {"type": "Categorical"},
            "feature x: pretrained_emb, freeze_emb omitted",
        ),
        ({"type": "numeric"}, {"type": "Numeric", "transform": "AsIs"}, ""),
        ({"type": "numeric", "normalizer": "StandardScaler"}, {"type": "Numeric"}, ""),
        (
            {"type": "numeric", "normalizer": "MinMaxScaler", "fill_na": 0},
            {"type": "Numeric"},
            "feature x: normalizer MinMaxScaler has no counterpart: the feature is standardized instead\n"
            "feature x: fill_na omitted",
        ),
        (
            {"type": "sequence", "splitter": "|", "max_len": 20, "share_embedding": "item"},
            {"type": "History", "of": "item", "maxLength": 20, "stored": {"separator": "|"}},
            "feature x: padding: post keeps the first values of a longer sequence; a History keeps the latest",
        ),
        (
            {"type": "sequence", "max_len": 20, "padding": "pre", "share_embedding": "item"},
            {"type": "History", "of": "item", "maxLength": 20, "stored": {"separator": "^"}},
            "",
        ),
        (
            {"type": "sequence", "max_len": 20, "share_embedding": "shop"},
            {"type": "MultiCategorical", "separator": "^", "maxLength": 20},
            "feature x: share_embedding shop has no counterpart",
        ),
        (
            {"type": "sequence", "feature_encoder": "layers.MaskedSumPooling()", "padding": "pre"},
            {"type": "MultiCategorical", "separator": "^", "maxLength": 100, "keep": "Latest", "pooling": "Sum"},
            "feature x: max_len is missing: 100 values are kept",
        ),
        (
            {"type": "sequence", "feature_encoder": None, "max_len": 5},
            {"type": "MultiCategorical", "separator": "^", "maxLength": 5},
            "feature x: feature_encoder None has no counterpart: embeddings are averaged",
        ),
    ],
)
def test_column_becomes_a_feature(column: dict[str, Any], expected: dict[str, Any], note: str, tmp_path: Path) -> None:
    columns = [ITEM, {"name": "x", "active": True, "dtype": "str", "type": "categorical", **column}]
    experiment, notes = import_experiment(write_config(tmp_path, {"feature_cols": columns}))
    feature = experiment.spec.dataset.features[1].model_dump(by_alias=True, exclude_unset=True)
    assert feature == {"name": "x", **expected}
    assert note in notes if note else "feature x" not in notes


def test_models_of_sequences_are_kept_where_a_sequence_shares_the_embedding_of_an_item(tmp_path: Path) -> None:
    history = {"name": "clicked", "active": True, "dtype": "str", "type": "sequence", "share_embedding": "item"}
    columns = {"feature_cols": [ITEM, {**history, "max_len": 5, "padding": "pre"}]}
    experiment, notes = import_experiment(
        write_config(tmp_path, columns, {"Long": {"model": "DIN", "dataset_id": "ads_x1"}})
    )
    assert "din" in [model.architecture for model in experiment.spec.models]
    assert "needs a History" not in notes


@pytest.mark.parametrize(
    ("column", "note"),
    [
        ({"type": "embedding"}, "feature x: columns of vectors are omitted"),
        ({"preprocess": "convert_hour(time)"}, "feature x: omitted because 'convert_hour(time)' computes it"),
        ({"type": "meta"}, "column x: FuxiCTR metadata; models do not use it"),
        ({"active": False}, ""),
    ],
)
def test_unused_column_is_omitted(column: dict[str, Any], note: str, tmp_path: Path) -> None:
    columns = [ITEM, {"name": "x", "active": True, "dtype": "str", "type": "categorical", **column}]
    experiment, notes = import_experiment(write_config(tmp_path, {"feature_cols": columns}))
    assert [feature.name for feature in experiment.spec.dataset.features] == ["item"]
    assert note in notes


def test_list_of_names_is_several_columns(tmp_path: Path) -> None:
    columns = [{**ITEM, "name": ["a", "b"]}, {**ITEM, "name": "c"}]
    dataset = import_experiment(write_config(tmp_path, {"feature_cols": columns, "min_categr_count": 4}))[
        0
    ].spec.dataset
    assert [feature.name for feature in dataset.features] == ["a", "b", "c"]
    assert dataset.preprocessing.min_frequency == 4
    assert dataset.label is not None
    assert dataset.label.column == "click"


def test_three_files_become_the_splits(tmp_path: Path) -> None:
    experiment, notes = import_experiment(write_config(tmp_path, {}))
    dataset = experiment.spec.dataset
    assert (dataset.source.uri, dataset.source.format) == ((tmp_path / "data").as_uri(), "csv")
    assert dataset.split.files is not None
    assert dataset.split.files.model_dump() == {"train": "train.csv", "valid": "valid.csv", "test": "test.csv"}
    assert notes == "no model can be imported: FM and DeepFM with their default parameters are used instead"


def test_folders_of_parquet_files_become_patterns(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        (tmp_path / "data" / part).mkdir(parents=True)
        (tmp_path / "data" / part / "0.parquet").touch()
    folders = {f"{part}_data": f"../data/{part}" for part in ("train", "valid", "test")}
    config = tmp_path / "config"
    config.mkdir()
    settings = {"feature_cols": [ITEM], "label_col": [CLICK], "data_format": "parquet", **folders}
    (config / "dataset_config.yaml").write_text(yaml.safe_dump({"ads": settings}, sort_keys=False))
    dataset = import_experiment(config / "dataset_config.yaml")[0].spec.dataset
    assert dataset.source.format == "parquet"
    assert dataset.split.files is not None
    assert dataset.split.files.model_dump() == {"train": "train/*", "valid": "valid/*", "test": "test/*"}


def test_missing_and_surplus_files_are_named(tmp_path: Path) -> None:
    config = write_config(tmp_path, {})
    (tmp_path / "data" / "extra.csv").touch()
    assert f"{tmp_path / 'data'} also contains extra.csv" in import_experiment(config)[1]
    (tmp_path / "data" / "valid.csv").unlink()
    assert "valid.csv does not exist" in import_experiment(config)[1]


@pytest.mark.parametrize(
    ("sizes", "fractions", "note"),
    [
        ({"valid_size": 0.1, "test_size": 0.2, "split_type": "random"}, ("0.7", "0.1", "0.2"), ""),
        ({"valid_size": 0.1, "test_size": 0.1}, ("0.8", "0.1", "0.1"), "split_type sequential has no counterpart"),
        ({"valid_size": 1000, "test_size": 1000}, None, "as numbers of rows have no counterpart"),
    ],
)
def test_splits_cut_from_one_file_become_fractions(
    sizes: dict[str, Any], fractions: tuple[str, str, str] | None, note: str, tmp_path: Path
) -> None:
    experiment, notes = import_experiment(
        write_config(tmp_path, {**sizes, "valid_data": None, "test_data": None, "sep": "\t"})
    )
    dataset = experiment.spec.dataset
    assert (dataset.source.uri, dataset.source.format) == ((tmp_path / "data" / "train.csv").as_uri(), "tsv")
    assert (dataset.split.strategy, dataset.split.fractions) == ("Random", fractions)
    assert note in notes


def test_known_models_keep_equivalent_parameters(tmp_path: Path) -> None:
    base = {"num_workers": 3, "early_stop_patience": 3, "group_id": "item", "dataset_id": "ads_x1"}
    models = {
        "Base": base,
        "Deep": {
            "model": "DeepFM",
            "hidden_units": [400, 400],
            "hidden_activations": "ReLU",
            "embedding_regularizer": "l2(1.e-5)",
            "learning_rate": 0.001,
            "batch_norm": True,
            "net_dropout": 0.1,
            "net_regularizer": 1e-6,
            "seed": 2021,
        },
        "Wide": {"model": "WideDeep", "optimizer": "rmsprop", "batch_norm": False},
        "Plus": {"model": "AutoInt", "dnn_hidden_units": [64], "num_heads": 2},
        "Log": {"model": "AFN", "ensemble_dnn": True, "afn_hidden_units": [32], "dnn_hidden_units": [16]},
        "Again": {"model": "DeepFM", "embedding_regularizer": None, "net_dropout": 0},
        "Long": {"model": "DIN"},
        "Other": {"model": "FwFM"},
        "Elsewhere": {"model": "LR", "dataset_id": "other"},
    }
    experiment, notes = import_experiment(write_config(tmp_path, {}, models))
    models_by_name = {model.name: (model.architecture, model.parameters) for model in experiment.spec.models}
    assert models_by_name == {
        "DeepFM": (
            "deepfm",
            {
                "patience": 3,
                "hidden_units": "400,400",
                "activation": "relu",
                "embedding_l2": "1.e-5",
                "learning_rate": "0.001",
                "batch_norm": "true",
                "dropout": "0.1",
            },
        ),
        "WideDeep": ("widedeep", {"patience": 3, "batch_norm": "false"}),
        "AutoIntPlus": ("autoint_plus", {"patience": 3, "hidden_units": "64", "heads": 2}),
        "AFNPlus": ("afn_plus", {"patience": 3, "hidden_units": "32"}),
        "Again": ("deepfm", {"patience": 3, "embedding_l2": "0", "dropout": 0}),
    }
    assert notes.splitlines() == [
        "model Deep: net_regularizer omitted",
        "model Wide: optimizer (rmsprop) omitted",
        "model Log: dnn_hidden_units omitted",
        "model Long: DIN is omitted because it needs a History: add {type: History, of: ITEM} with `stored`, or with "
        "user and time, and the model",
        "model Other: ctrlab has no architecture 'FwFM'; omitted",
    ]
    assert experiment.spec.dataset.user == "item"
    assert "gauc" in experiment.spec.analysis.metrics


def test_grid_of_models_is_cut_to_the_maximum(tmp_path: Path) -> None:
    models = {f"lr{i}": {"model": "LR", "dataset_id": "ads_x1", "patience": 3} for i in range(30)}
    experiment, notes = import_experiment(write_config(tmp_path, {}, models))
    assert [model.name for model in experiment.spec.models] == ["LR", *(f"lr{i}" for i in range(1, 20))]
    assert notes.startswith("10 models after lr19 omitted")


def test_python_tuples_are_lists(tmp_path: Path) -> None:
    config = write_config(tmp_path, {})
    text = "D: {model: DNN, dataset_id: ads_x1, dnn_hidden_units: !!python/tuple [8, 4]}"
    (config / "model_config.yaml").write_text(text)
    assert import_experiment(config)[0].spec.models[0].parameters == {"hidden_units": "8,4"}


def test_unsupported_settings_are_named(tmp_path: Path) -> None:
    notes = import_experiment(
        write_config(tmp_path, {"num_buckets": 7, "data_root": "x", "label_col": [CLICK, {"name": "buy"}]})
    )
    assert notes[1].splitlines()[:2] == [
        "label_col: buy omitted; an experiment has one label",
        "num_buckets of ads_x1 omitted",
    ]
