"""Both kinds of study database, and a small plan to tune."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import builders
import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.plan import Plan
from ctrlab_study import StudyDatabase

SEARCH = {
    "learning_rate": {"float": {"low": "1e-4", "high": "1e-1", "log": True}},
    "epochs": {"int": {"low": 1, "high": 9}},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty study database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    make: Callable[[], str] = request.getfixturevalue("postgres")
    return make()


@pytest.fixture
def studies(database_url: str) -> Iterator[StudyDatabase]:
    """The studies of that database, with leases of 30 s."""
    database = StudyDatabase(database_url, lease_seconds=30, patience=OutagePatience(seconds=20))
    yield database
    database.dispose()


@pytest.fixture
def key() -> ExperimentKey:
    return ExperimentKey.parse("default/trial-run/0123456789ab")


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    """Build a plan with one variant `M`; the other keyword arguments are fields of `spec.tuning`."""

    def plan(search: dict[str, Any] | None = None, constraints: dict[str, Any] | None = None, **tuning: Any) -> Plan:
        variant = builders.make_variant("M", "lr", search=SEARCH if search is None else search, constraints=constraints)
        return builders.make_plan(variant, tuning={"trials": 6, "sampler": "Random", **tuning})

    return plan
