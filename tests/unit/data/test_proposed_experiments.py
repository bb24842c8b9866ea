"""`ctrlab init`: proposals for files of many shapes are valid, can be prepared, and give the reason of every guess."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.resources.experiment import Experiment
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.proposals.experiment_proposal import inspect_file, propose_experiment
from ctrlab_trainer.data.proposals.experiment_text import PLAIN, _flow

ROWS = 600
GENERATOR = np.random.default_rng(3)
CLICKS = GENERATOR.integers(0, 2, ROWS)


def rows(**columns: Any) -> pd.DataFrame:
    """Return ROWS rows of users and items, with further columns."""
    base = {
        "user_id": [f"u{value}" for value in GENERATOR.integers(0, 30, ROWS)],
        "item_id": [f"i{value}" for value in GENERATOR.integers(0, 20, ROWS)],
    }
    return pd.DataFrame(base | columns)


def csv(path: Path, frame: pd.DataFrame, **options: Any) -> Path:
    path.write_text(frame.to_csv(index=False, **options), encoding="utf-8")
    return path


def propose(path: Path, **chosen: str) -> Experiment:
    """Return the proposed experiment, read again from its text; its data set can be prepared."""
    proposed = propose_experiment(path, chosen)
    (experiment,) = parse_manifests(proposed.proposal.text, "proposal")
    assert isinstance(experiment, Experiment)
    assert experiment.spec.dataset == proposed.dataset
    assert inspect_dataset(experiment.spec.dataset).rows > 0
    return experiment


def types(experiment: Experiment) -> dict[str, str]:
    return {feature.name: feature.type for feature in experiment.spec.dataset.features}


def test_label_time_user_item_and_history_are_recognised(tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", periods=ROWS, freq="h").astype(str)
    frame = rows(price=GENERATOR.gamma(2, 9, ROWS), clicked=CLICKS, timestamp=times, play_time=CLICKS * 7)
    experiment = propose(csv(tmp_path / "Clicks 2024.csv", frame))
    dataset = experiment.spec.dataset
    assert experiment.metadata.name == "clicks-2024"
    assert dataset.label is not None
    assert (dataset.label.column, dataset.user, dataset.time_column) == ("clicked", "user_id", "timestamp")
    assert dataset.split.strategy == "Temporal"
    assert types(experiment) == {
        "user_id": "Categorical",
        "item_id": "Categorical",
        "price": "Numeric",
        "hist_item_id": "History",
    }
    assert [model.architecture for model in experiment.spec.models] == ["lr", "deepfm", "din"]


def test_columns_that_follow_from_the_click_are_left_out_with_the_reason(tmp_path: Path) -> None:
    frame = rows(click=CLICKS, order_value=CLICKS * 3.5, secret=CLICKS * 9 + GENERATOR.random(ROWS))
    text = propose_experiment(csv(tmp_path / "c.csv", frame), {}).proposal.text
    assert "#   secret: REVIEW: alone reaches AUC 1.000 on validation: it probably reveals the label" in text
    assert "#   order_value: REVIEW: alone reaches AUC 1.000" in text


@pytest.mark.parametrize(
    ("values", "comparison"),
    [
        ([-1, 1], "> 0"),
        ([1, 2, 3, 4, 5], ">= 4"),
        ([0, 1], None),
        ([0.0, 1.0], None),
        ([1, 2], "== 2"),
        ([0.1, 0.4, 0.6, 0.9], ">= 0.5"),
    ],
)
def test_labels_other_than_0_and_1_get_a_comparison(tmp_path: Path, values: list[float], comparison: str) -> None:
    frame = rows(label=GENERATOR.choice(values, ROWS), when=range(ROWS))
    label = propose(csv(tmp_path / "c.csv", frame)).spec.dataset.label
    assert label is not None
    assert label.positive_when == comparison


def test_a_rating_is_a_click_from_four_stars(tmp_path: Path) -> None:
    frame = rows(rating=GENERATOR.choice([1, 2, 3, 4, 5], ROWS, p=[0.05, 0.05, 0.1, 0.4, 0.4]), timestamp=range(ROWS))
    label = propose(csv(tmp_path / "c.csv", frame)).spec.dataset.label
    assert label is not None
    assert label.column == "rating"


def test_positives_only_get_sampled_negatives(tmp_path: Path) -> None:
    experiment = propose(csv(tmp_path / "c.tsv", rows(time=range(10**6, 10**6 + ROWS)), sep="\t"))
    dataset = experiment.spec.dataset
    assert dataset.label is None
    assert dataset.negatives is not None
    assert (dataset.negatives.item, dataset.split.strategy, dataset.time_column) == ("item_id", "LeaveLastOut", "time")


def test_a_column_that_names_the_splits_is_used(tmp_path: Path) -> None:
    part = GENERATOR.choice(["train", "val", "test"], ROWS, p=[0.6, 0.2, 0.2])
    split = propose(csv(tmp_path / "c.csv", rows(click=CLICKS, part=part))).spec.dataset.split
    assert (split.strategy, split.column, split.values.valid) == ("Predefined", "part", "val")


def test_files_that_name_the_splits_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    folder.mkdir()
    for name in ("train.csv", "valid.csv", "test.csv"):
        csv(folder / name, rows(click=CLICKS))
    split = propose(folder).spec.dataset.split
    assert split.files is not None
    assert (split.strategy, split.files.valid) == ("Predefined", "valid.csv")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "csv.gz", "data"])
def test_every_format_gives_the_same_roles(tmp_path: Path, suffix: str) -> None:
    frame = rows(click=CLICKS, age=GENERATOR.integers(18, 80, ROWS), time=range(10**6, 10**6 + ROWS))
    path = tmp_path / f"clicks.{suffix}"
    match suffix:
        case "parquet":
            frame.to_parquet(path)
        case "jsonl":
            path.write_text(frame.to_json(orient="records", lines=True))
        case "tsv":
            csv(path, frame, sep="\t")
        case "csv.gz":
            path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
        case _:
            csv(path, frame)
    experiment = propose(path)
    assert experiment.spec.dataset.user == "user_id"
    assert types(experiment) == {
        "user_id": "Categorical",
        "item_id": "Categorical",
        "age": "Numeric",
        "hist_item_id": "History",
    }


def test_a_file_without_header_gets_numbered_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": CLICKS, "b": GENERATOR.integers(0, 500, ROWS), "c": rows()["item_id"]})
    proposed = propose_experiment(csv(tmp_path / "c.csv", frame, header=False), {})
    assert proposed.dataset.label is not None
    assert proposed.dataset.label.column == "column_1"
    assert proposed.dataset.source.columns == ("column_1", "column_2", "column_3")
    assert "REVIEW: the first line has values instead of names" in proposed.proposal.text


def test_libsvm_sequences_and_lists_are_read(tmp_path: Path) -> None:
    libsvm = tmp_path / "c.txt"
    libsvm.write_text("".join(f"{click} {3 + i % 5}:1 {20 + i % 7}:1\n" for i, click in enumerate(CLICKS)))
    assert propose(libsvm).spec.dataset.source.format == "libsvm"
    sequences = tmp_path / "s.txt"
    sequences.write_text("".join(f"{u} {' '.join(str(u % 3 + i) for i in range(3 + u % 4))}\n" for u in range(40)))
    assert propose(sequences).spec.dataset.source.format == "sequences"
    tags = ["|".join(sorted({"a", "b", "c", "d"} - {"abcd"[i % 4]})) if i % 3 else "a" for i in range(ROWS)]
    experiment = propose(csv(tmp_path / "c.csv", rows(click=CLICKS, tags=tags)))
    feature = next(feature for feature in experiment.spec.dataset.features if feature.name == "tags")
    assert (feature.type, feature.separator) == ("MultiCategorical", "|")


def test_stored_histories_vectors_and_bracketed_lists_are_recognized(tmp_path: Path) -> None:
    frame = rows(click=CLICKS)
    lists = [[f"i{(i + k) % 20}" for k in range(1 + i % 3)] for i in range(ROWS)]
    tags = [f"[{', '.join(str((i + k) % 5) for k in range(1 + i % 2))}]" for i in range(ROWS)]
    vectors = pa.array([[float(i), 0.5, 1.0] for i in range(ROWS)])
    table = pa.Table.from_pandas(frame).append_column("hist_items", pa.array(lists))
    table = table.append_column("image", vectors).append_column("tags", pa.array(tags))
    pq.write_table(table, tmp_path / "c.parquet")
    experiment = propose(tmp_path / "c.parquet")
    assert types(experiment) == {
        "user_id": "Categorical",
        "item_id": "Categorical",
        "hist_items": "History",
        "image": "Vector",
        "tags": "MultiCategorical",
    }
    assert "din" in [model.architecture for model in experiment.spec.models]


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (("no", "yes"), ("yes",)),
        (("Click", "Skip"), ("Click",)),
        (("N", "Y"), ("Y",)),
        (("True", "False"), None),
        (("true", "false"), None),
    ],
)
def test_text_labels_name_the_value_that_is_a_click(
    tmp_path: Path, values: tuple[str, str], positive: tuple[str, ...] | None
) -> None:
    frame = rows(label=[values[click] for click in CLICKS])
    label = propose(csv(tmp_path / "c.csv", frame)).spec.dataset.label
    assert label is not None
    assert label.positive == positive


def test_dates_with_two_readings_are_not_used_and_the_reason_is_said(tmp_path: Path) -> None:
    frame = rows(click=CLICKS, date=[f"{1 + i % 12:02}/{1 + i % 11:02}/2024" for i in range(ROWS)])
    proposal = propose_experiment(csv(tmp_path / "c.csv", frame), {}).proposal
    assert any(note.startswith("time: date: ") for note in proposal.notes)
    assert "REVIEW: no time is recognized, so rows are split at random" in proposal.text


def test_row_numbers_constants_and_unreadable_columns_are_left_out_with_the_reason(tmp_path: Path) -> None:
    table = pa.table(
        {
            "row": pa.array(range(ROWS)),
            "item": pa.array(rows()["item_id"]),
            "click": pa.array(CLICKS),
            "same": pa.array(["x"] * ROWS),
            "empty": pa.nulls(ROWS),
            "nested": pa.array([{"a": 1}] * ROWS),
            "objects": pa.array([[{"a": 1}]] * ROWS),
            "raw": pa.array([b"\xc8\x07"] * ROWS, pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "c.parquet")
    text = propose_experiment(tmp_path / "c.parquet", {}).proposal.text
    for line in (
        "#   row: has a different value in every row",
        "#   same: has the same value in every row",
        "#   empty: has no values",
        "#   nested: cannot be read: ",
        "#   objects: cannot be read: ",
        "#   raw: cannot be read: ",
    ):
        assert line in text, text


@pytest.mark.parametrize(
    "name", ["no", "y", "0123", "a: b", 'quo"te', "back\\slash", "# x", "tab\there", "ä", "a\u2028b", "{x}"]
)
def test_names_that_yaml_would_change_are_quoted(tmp_path: Path, name: str) -> None:
    frame = rows(click=CLICKS, **{name: GENERATOR.choice(["p", "q", "r"], ROWS)})
    path = tmp_path / "c.parquet"
    frame.to_parquet(path)
    assert name in types(propose(path))
    assert not PLAIN.match(_flow("no"))


@pytest.mark.parametrize("separator", [";", "|", "^"])
def test_another_separator_is_declared(tmp_path: Path, separator: str) -> None:
    note = [f"first, {separator} second"] * ROWS
    path = csv(tmp_path / "c.csv", rows(click=CLICKS, note=note), sep=separator)
    source = propose(path).spec.dataset.source
    assert (source.separator, source.quote, source.decimal) == (separator, None, None)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_declared(tmp_path: Path, separator: str, header: bool) -> None:
    frame = rows(click=CLICKS, price=np.round(GENERATOR.random(ROWS) * 90, 2))
    path = csv(tmp_path / "c.csv", frame, sep=separator, decimal=",", header=header)
    if header:
        experiment = propose(path)
        assert types(experiment)["price"] == "Numeric"
    else:
        path.write_text(path.read_text().replace("u", "").replace("i", ""))
        (parsed,) = parse_manifests(propose_experiment(path, {"label": "column_3"}).proposal.text, "proposal")
        assert isinstance(parsed, Experiment)
        assert types(parsed)["column_4"] == "Numeric"
        experiment = parsed
    source = experiment.spec.dataset.source
    assert (source.separator, source.decimal) == (separator, ",")


def test_lists_of_ids_with_commas_are_no_decimals(tmp_path: Path) -> None:
    lists = [",".join(map(str, range(1, 2 + index % 4))) for index in range(ROWS)]
    path = csv(tmp_path / "c.tsv", rows(click=CLICKS, history=lists), sep="\t")
    assert propose(path).spec.dataset.source.decimal is None


def test_a_chosen_column_replaces_the_guess(tmp_path: Path) -> None:
    path = csv(tmp_path / "c.csv", rows(click=CLICKS, other=GENERATOR.integers(0, 2, ROWS)))
    dataset = propose(path, label="other", user="item_id").spec.dataset
    assert dataset.label is not None
    assert (dataset.label.column, dataset.user) == ("other", "item_id")
    with pytest.raises(
        InvalidData, match=r"--label: c\.csv has no column 'clik'; known: user_id, item_id, click, other"
    ):
        propose_experiment(path, {"label": "clik"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("1::2::3\n", "its first line seems to use '::'"),
        ("alone\nx\ny\n", "has no columns that are separated by commas, tabs, semicolons"),
        ("color,shape\nred,round\nblue,flat\n", "no column looks like a label"),
    ],
)
def test_a_file_without_usable_columns_is_refused_with_the_way_out(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "c.txt"
    path.write_text(content)
    with pytest.raises(InvalidData, match=message):
        propose_experiment(path, {})


def test_what_cannot_be_prepared_is_said(tmp_path: Path) -> None:
    frame = rows(click=[1] * (ROWS - 1) + [0])
    proposal = propose_experiment(csv(tmp_path / "c.csv", frame), {}).proposal
    assert any("`ctrlab run` will refuse this experiment" in note for note in proposal.notes)


def test_an_inspection_of_a_file_names_its_guesses_and_too_few_clicks(tmp_path: Path) -> None:
    inspection = inspect_file(csv(tmp_path / "c.csv", rows(click=CLICKS)))
    assert any(guess.startswith("label {'column': 'click'}: named like a label") for guess in inspection.guesses)
    warnings = [warning.message for warning in inspection.warnings if warning.kind == "FewClicks"]
    assert len(warnings) == 2
    assert "differences in AUC below about 0." in warnings[0]
    assert json.loads(inspection.to_json())["guesses"]
