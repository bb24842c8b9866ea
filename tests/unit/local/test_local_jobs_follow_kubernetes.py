"""A job's bookkeeping on one machine: retries by index, and exit codes as a podFailurePolicy reads them."""

import pytest

from ctrlab.local.indexed_job import DISRUPTIONS, LocalJob
from ctrlab_api.names import ExitCode
from ctrlab_control.planner import JobFacts, JobRequest
from ctrlab_control.planner.actions import Phase


def job(
    completions: int, parallelism: int | None = None, done: tuple[int, ...] = (), phase: Phase = "tune"
) -> LocalJob:
    request = JobRequest(
        name="j",
        phase=phase,
        program="trainer",
        arguments=(),
        completions=completions,
        parallelism=parallelism or completions,
    )
    return LocalJob.of(request, done)


def test_it_is_complete_when_every_index_ended_well() -> None:
    made = job(2)
    for index in (made.start(), made.start()):
        made.end(index, 0, "")
    assert made.facts(0.0).state == "Complete"


def test_indexes_whose_record_exists_are_never_started() -> None:
    made = job(3, done=(0, 2))
    assert made.start() == 1
    made.end(1, 0, "")
    assert made.facts(0.0).state == "Complete"
    assert job(2, done=(0, 1)).facts(0.0).state == "Complete"


def test_no_more_run_at_once_than_its_parallelism() -> None:
    made = job(3, parallelism=2)
    made.start()
    assert made.startable()
    made.start()
    assert not made.startable()


@pytest.mark.parametrize(("phase", "retries"), [("tune", 6), ("evaluate", 2)])
def test_an_index_that_keeps_failing_is_lost_and_the_others_go_on(phase: Phase, retries: int) -> None:
    made = job(2, parallelism=1, phase=phase)
    for _ in range(retries + 1):
        assert made.start() == 0
        made.end(0, 1, "no memory")
    assert made.facts(0.0).state == "Active"
    made.end(made.start(), 0, "")
    facts = made.facts(1.5)
    assert facts == JobFacts("Failed", 1, 1.5, frozenset({0}), hopeless=False, message="no memory")


def test_bad_input_fails_the_job_once_its_other_workers_are_gone() -> None:
    made = job(3, parallelism=2)
    first, second = made.start(), made.start()
    made.end(first, ExitCode.BAD_SPEC_OR_DATA, "row 3")
    assert not made.startable()
    assert made.facts(0.0).state == "Active"
    made.end(second, ExitCode.TERMINATED, "")
    facts = made.facts(0.0)
    assert (facts.state, facts.hopeless, facts.message) == ("Failed", True, "row 3")


def test_a_run_that_cannot_succeed_is_not_tried_again() -> None:
    made = job(1)
    made.end(made.start(), ExitCode.RUN_FAILED, "too large")
    assert made.facts(0.0).failed_indexes == {0}


@pytest.mark.parametrize("code", [ExitCode.TERMINATED, -15])
def test_a_worker_that_was_told_to_stop_uses_up_no_retry_but_cannot_spin_for_ever(code: int) -> None:
    made = job(1)
    for _ in range(DISRUPTIONS):
        made.end(made.start(), code, "")
    assert made.startable()
    made.end(made.start(), code, "stopped")
    assert made.facts(0.0).state == "Failed"


def test_a_deleted_job_starts_nothing_and_is_gone_when_its_workers_are() -> None:
    made = job(2, parallelism=1)
    index = made.start()
    made.delete()
    assert not made.startable()
    assert made.facts(0.0).state == "Deleting"
    made.end(index, ExitCode.TERMINATED, "")
    assert made.ended


def test_scaling_adds_new_indexes_once_and_drops_waiting_ones() -> None:
    made = job(2)
    made.start()
    made.scale(4, 4)
    assert list(made.pending) == [1, 2, 3]
    made.scale(1, 1)
    assert list(made.pending) == []
    assert made.facts(0.0).parallelism == 1
