"""A workspace contains its study database and its store, whatever its folder is called."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from ctrlab.cli.report_locations import page_location
from ctrlab.local.workspace import Workspace
from ctrlab_store import open_store
from ctrlab_study import StudyDatabase


@pytest.mark.parametrize(
    "name", ["ws", "ws?a", "ws#1", "100%", "a%20b", "a b", "ünï", "x?mode=memory", "a&b=c", "a@b:c"]
)
def test_database_and_store_are_in_the_workspace(tmp_path: Path, name: str) -> None:
    workspace = Workspace.open(tmp_path / name)
    database = StudyDatabase(workspace.database_url)
    database.create_schema()
    database.dispose()
    assert {path.name for path in workspace.root.iterdir()} == {"study.db", "study.db.lock"}
    assert make_url(workspace.database_url).database == str(workspace.root / "study.db")
    store = open_store(workspace.store.uri)
    store.put("a/b", b"x")
    assert (workspace.root / "store" / "a" / "b").read_bytes() == b"x"
    assert page_location(store.below("a")) == f"{workspace.root}/store/a/report.html"
    assert [path.name for path in tmp_path.iterdir()] == [name]
