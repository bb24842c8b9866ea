"""An empty store of each kind."""

from pathlib import Path

import pytest

from ctrlab_store import Store, open_store


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return open_store((tmp_path / "store").as_uri())
    prefix: str = request.getfixturevalue("s3_prefix")
    return open_store(prefix)
