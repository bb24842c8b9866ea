"""A source is found under any legal file name, as a path or a URI; another reading is never used silently."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from builders import make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.data_sources import Source
from ctrlab_trainer.data.data_quality.file_order import file_order_warnings
from ctrlab_trainer.data.sources.source_locations import TableFiles, locate

NAMES = [
    "a b",
    "run#2",
    "what?x=1",
    "50%",
    "a%20b",
    "ünï",
    "'single'",
    'dou"ble',
    "a\nb",
    "a&b;c",
    "[x]*",
    "~tilde",
    "-dash",
    "a:b",
]
FIELD = "spec.dataset.source.uri"


def located(uri: str, **fields: str) -> tuple[Path, ...]:
    """Return the files of a csv source."""
    main = locate(Source.model_validate({"uri": uri, "format": "csv", **fields})).main
    assert isinstance(main, TableFiles)
    return main.files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an experiment's file, which is not the working directory."""
    experiment = tmp_path / "experiment # 1"
    experiment.mkdir()
    monkeypatch.setenv("CTRLAB_SOURCE_FOLDER", str(experiment))
    monkeypatch.setenv("CTRLAB_PVC_ROOT", str(tmp_path))
    return experiment


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_read_as_it_is_written(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert located(f"./{name}") == located(f"{folder}/{name}") == (folder / name,)


@pytest.mark.parametrize("name", NAMES)
def test_a_uri_is_decoded_once(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert located(f"file://{quote(str(folder))}/{quote(name)}") == (folder / name,)
    if "%" not in name:
        assert located(f"file://{folder}/{name}") == located(f"file://localhost{folder}/{name}") == (folder / name,)
        assert located(f"pvc://{folder.name}/{name}") == (folder / name,)


def test_relative_paths_are_below_the_experiment_file_and_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "clicks.csv").write_text("x")
    monkeypatch.setenv("HOME", str(folder / "data"))
    monkeypatch.chdir("/")
    assert located("data/clicks.csv") == located("./data/clicks.csv") == (folder / "data" / "clicks.csv",)
    assert located("~/clicks.csv") == (folder / "data" / "clicks.csv",)
    assert located("data") == (folder / "data" / "clicks.csv",)


@pytest.mark.parametrize("root", ["file://{folder}", "pvc://{name}"])
def test_a_file_under_the_undecoded_name_only_is_not_read_but_named(folder: Path, root: str) -> None:
    (folder / "ctr%20data.csv").write_text("x")
    with pytest.raises(InvalidData, match=r"existing file .*ctr%20data.csv write % as %25") as error:
        located(root.format(folder=str(folder).replace("%", "%25"), name=folder.name) + "/ctr%20data.csv")
    assert error.value.problems[0].where == FIELD


def test_a_uri_that_can_mean_two_files_is_rejected(folder: Path) -> None:
    (folder / "ctr%20data.csv").write_text("x")
    (folder / "ctr data.csv").write_text("y")
    with pytest.raises(InvalidData, match="can mean two existing files"):
        located(f"file://{folder}/ctr%20data.csv")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("absent.csv", "absent.csv does not exist: there is no file or folder"),
        ("file://data/x.csv", "write file:///folder/file with three slashes, or without file:// the path data/x.csv"),
        ("~nobody-here/x.csv", "write ./~nobody-here/x.csv for a file of this name"),
    ],
)
def test_a_source_that_does_not_exist_is_rejected_with_the_way_to_write_it(
    folder: Path, uri: str, message: str
) -> None:
    with pytest.raises(InvalidData) as error:
        located(uri)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("link", "target", "uri", "message"),
    [
        ("rows/b.csv", "../gone.csv", "rows", "rows/b.csv is a link to a file that does not exist (../gone.csv)"),
        ("rows/more", "../other", "rows", "rows/more is a link to a folder, and links to folders are not followed"),
        ("c.csv", "gone.csv", "c.csv", "c.csv is a link to gone.csv, which does not exist: fetch the data"),
        ("c.csv", "", "c.csv", "c.csv is neither a file nor a folder but a device or pipe"),
    ],
)
def test_a_link_whose_rows_would_be_missing_is_rejected(
    folder: Path, link: str, target: str, uri: str, message: str
) -> None:
    (folder / "rows").mkdir()
    (folder / "other").mkdir()
    (folder / "rows" / "a.csv").write_text("x\n1\n")
    if target:
        (folder / link).symlink_to(target)
    else:
        os.mkfifo(folder / link)
    with pytest.raises(InvalidData) as error:
        located(uri)
    assert message in str(error.value)


def test_links_to_files_and_hidden_links_are_no_error(folder: Path) -> None:
    (folder / "rows").mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    (folder / "rows" / "a.csv").symlink_to("../a.csv")
    (folder / "rows" / "..data").symlink_to("gone")
    assert [path.name for path in located("rows")] == ["a.csv"]


def test_a_relative_path_needs_the_experiment_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CTRLAB_SOURCE_FOLDER", raising=False)
    with pytest.raises(InvalidData, match="on a cluster copy the file to s3:// or pvc://"):
        located("data/clicks.csv")


def test_a_file_name_that_is_not_utf_8_has_a_name_in_records(folder: Path) -> None:
    parts = folder / "parts"
    parts.mkdir()
    Path(str(parts) + "/caf\udce9.csv").write_text("x")
    main = locate(Source.model_validate({"uri": "parts", "format": "csv"})).main
    assert isinstance(main, TableFiles)
    assert main.file_name(0) == r"caf\xe9.csv"


def test_hive_partitions_are_decoded_and_their_marker_is_missing(folder: Path) -> None:
    for name in ("day=a%2Fb", "day=__HIVE_DEFAULT_PARTITION__"):
        (folder / "parts" / name).mkdir(parents=True)
        (folder / "parts" / name / "0.csv").write_text("x")
    main = locate(Source.model_validate({"uri": "parts", "format": "csv"})).main
    assert isinstance(main, TableFiles)
    assert [main.partition(index) for index in range(2)] == [{"day": ""}, {"day": "a/b"}]


@pytest.mark.parametrize(
    ("names", "order", "warned"),
    [
        (["part-1", "part-2", "part-10"], "Rows", True),
        (["part-1", "part-2", "part-10"], None, False),
        (["part-01", "part-02", "part-10"], "Rows", False),
        (["day=9/0", "day=10/0"], "Rows", True),
        (["a", "b"], "Rows", False),
    ],
)
def test_numbers_that_names_do_not_sort_by_are_warned_of_where_rows_are_ordered(
    folder: Path, names: list[str], order: str | None, warned: bool
) -> None:
    for name in names:
        (folder / "parts" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "parts" / name).write_text("x")
    dataset = make_dataset(source={"uri": "parts", "format": "csv"}, **({"order": order} if order else {}))
    warnings = file_order_warnings(dataset, locate(dataset.source))
    assert [("leading zeros" in warning) for warning in warnings] == ([True] if warned else [])
