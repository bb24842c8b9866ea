"""An earlier result is returned for the data that gave it, and for no other data."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from builders import make_experiment, make_prepared_data

from ctrlab.local.changed_sources import key_for_current_data
from ctrlab.local.errors import SourceChanged
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.prepared_data import FileDigest
from ctrlab_api.records.source_changes import SourceFiles, describe_changes


def file(name: str, content: str = "a") -> FileDigest:
    return FileDigest(name=name, bytes=1234 * len(content), sha256=content[-1] * 64)


CHANGES: list[tuple[str, list[FileDigest], list[FileDigest], str]] = [
    ("nothing", [file("x"), file("y")], [file("x"), file("y")], ""),
    (
        "content",
        [file("x")],
        [file("x", "bb")],
        "x had 1,234 bytes, SHA-256 aaaaaaaaaaaa and has 2,468 bytes, SHA-256 b",
    ),
    ("content of equal size", [file("x")], [file("x", "b")], "SHA-256 aaaaaaaaaaaa and has 1,234 bytes, SHA-256 bbbb"),
    ("a new file", [file("x")], [file("x"), file("y", "b")], "y (1,234 bytes, SHA-256 bbbbbbbbbbbb) was added"),
    ("a removed file", [file("x"), file("y", "b")], [file("x")], "y (1,234 bytes, SHA-256 bbbbbbbbbbbb) was removed"),
    ("another name", [file("x")], [file("y")], "x was renamed to y"),
    ("another order", [file("x"), file("y", "b")], [file("y", "b"), file("x")], "the order of the files changed"),
    ("a side table of the same name", [file("x"), file("x", "b")], [file("x"), file("x", "c")], "x had 1,234 bytes"),
    ("many files", [file(str(i)) for i in range(9)], [file(str(i), "b") for i in range(9)], "; and 4 more files"),
]


@pytest.mark.parametrize(("before", "now", "expected"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_every_change_of_files_is_described(before: list[FileDigest], now: list[FileDigest], expected: str) -> None:
    described = describe_changes(make_prepared_data(sources=tuple(before)), now)
    assert expected in described
    assert bool(described) == bool(expected)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "w")


def prepared_experiment(workspace: Workspace, sources: tuple[FileDigest, ...]) -> ExperimentKey:
    experiment = make_experiment()
    plan = Plan.from_experiment(experiment)
    key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    folder = workspace.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, make_prepared_data(sources=sources).to_json().encode())
    return key


def resolve(
    workspace: Workspace, key: ExperimentKey, now: Sequence[FileDigest], *, new_data: bool = False
) -> ExperimentKey:
    return key_for_current_data(
        workspace,
        key,
        None,
        pytest.fail,
        new_data=new_data,
        read_sources=lambda *_: SourceFiles(files=tuple(now)),
    )


def test_unchanged_data_resume_the_experiment(workspace: Workspace) -> None:
    key = prepared_experiment(workspace, (file("x"),))
    assert resolve(workspace, key, [file("x")]) == key
    assert resolve(workspace, key, [file("x")], new_data=True) == key


def test_changed_data_are_refused_with_the_way_to_a_new_experiment(workspace: Workspace) -> None:
    key = prepared_experiment(workspace, (file("x"),))
    with pytest.raises(SourceChanged, match=r"x had 1,234 bytes.*results stay in file://.*add --new-data"):
        resolve(workspace, key, [file("x", "b")])


def test_new_data_are_another_experiment_that_the_same_command_resumes(workspace: Workspace) -> None:
    key = prepared_experiment(workspace, (file("x"),))
    other = resolve(workspace, key, [file("x", "b")], new_data=True)
    assert other != key
    assert (other.namespace, other.name) == (key.namespace, key.name)
    workspace.store.below(other.prefix).put(ObjectKey.PLAN, b"{}")
    assert resolve(workspace, key, [file("x", "b")]) == other
    assert resolve(workspace, key, [file("x")]) == key
    with pytest.raises(SourceChanged):
        resolve(workspace, key, [file("x", "c")])


def test_data_that_cannot_be_read_any_more_are_noted(workspace: Workspace) -> None:
    key = prepared_experiment(workspace, (file("x"),))
    notes: list[str] = []

    def absent(*_: object) -> SourceFiles:
        raise InvalidData.at("spec.dataset.source.uri", "does not exist")

    assert key_for_current_data(workspace, key, None, notes.append, read_sources=absent) == key
    assert "cannot be compared" in notes[0]


def never(*_: object) -> SourceFiles:
    raise AssertionError


def test_generated_data_and_unprepared_experiments_are_not_read(workspace: Workspace) -> None:
    unprepared = ExperimentKey(namespace="default", name="study", uid="u")
    key = prepared_experiment(workspace, (file("builtin://synthetic"),))
    for each in (unprepared, key):
        assert key_for_current_data(workspace, each, None, pytest.fail, read_sources=never) == each
