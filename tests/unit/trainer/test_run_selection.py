"""A worker of a Job finds its final runs by its index, also in a Job that starts only some of them."""

import pytest
from builders import make_small_experiment

from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Plan
from ctrlab_trainer.finals.run_selection import select_run_group

PLAN = Plan.from_experiment(make_small_experiment())


def group_of(
    monkeypatch: pytest.MonkeyPatch, index: str, first: int = 0, indexes: tuple[int, ...] | None = None
) -> int:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", index)
    return PLAN.run_groups().index(select_run_group(PLAN, None, None, None, first, indexes))


def test_the_index_is_a_position_in_the_indexes_that_the_job_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert group_of(monkeypatch, "2") == 2
    assert group_of(monkeypatch, "2", first=5) == 7
    assert group_of(monkeypatch, "0", indexes=(1, 4)) == 1
    assert group_of(monkeypatch, "1", indexes=(1, 4)) == 4
    assert group_of(monkeypatch, "1", first=5, indexes=(1, 4)) == 9


def test_a_position_beyond_the_indexes_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSpec, match="--indexes names 2 indexes, there is no position 2"):
        group_of(monkeypatch, "2", indexes=(1, 4))
