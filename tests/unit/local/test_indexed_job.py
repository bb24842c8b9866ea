"""The state of a local job follows a Kubernetes Job: retries per index, and exit codes as in a podFailurePolicy."""

import pytest

from ctrlab.local.indexed_job import MAX_DELAY_SECONDS, MAX_DISRUPTIONS, LocalJob
from ctrlab_api.names import ExitCode
from ctrlab_control.planner import JobFacts, JobRequest, Outage
from ctrlab_control.planner.actions import Phase


def new_job(
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
    return LocalJob.create(request, done)


def test_job_is_complete_when_every_index_succeeded() -> None:
    job = new_job(2)
    for index in (job.start(), job.start()):
        job.end(index, 0, "")
    assert job.facts(0.0).state == "Complete"


def test_indexes_with_a_record_are_not_started() -> None:
    job = new_job(3, done=(0, 2))
    assert job.start() == 1
    job.end(1, 0, "")
    assert job.facts(0.0).state == "Complete"
    assert new_job(2, done=(0, 1)).facts(0.0).state == "Complete"


def test_parallelism_limits_running_indexes() -> None:
    job = new_job(3, parallelism=2)
    job.start()
    assert job.can_start()
    job.start()
    assert not job.can_start()


@pytest.mark.parametrize(("phase", "retries"), [("tune", 6), ("evaluate", 2)])
def test_index_fails_after_its_retries_and_the_others_continue(phase: Phase, retries: int) -> None:
    job = new_job(2, parallelism=1, phase=phase)
    for _ in range(retries + 1):
        assert job.start() == 0
        job.end(0, 1, "no memory")
    assert job.facts(0.0).state == "Active"
    job.end(job.start(), 0, "")
    facts = job.facts(1.5)
    assert facts == JobFacts(
        "Failed", 1, 1.5, frozenset({0}), non_retriable=False, message="no memory", index_messages={0: "no memory"}
    )


def test_invalid_input_fails_the_job_when_its_other_workers_have_ended() -> None:
    job = new_job(3, parallelism=2)
    first, second = job.start(), job.start()
    job.end(first, ExitCode.BAD_SPEC_OR_DATA, "row 3")
    assert not job.can_start()
    assert job.facts(0.0).state == "Active"
    job.end(second, ExitCode.TERMINATED, "")
    facts = job.facts(0.0)
    assert (facts.state, facts.non_retriable, facts.message) == ("Failed", True, "row 3")


def test_failed_run_is_not_retried() -> None:
    job = new_job(1)
    job.end(job.start(), ExitCode.RUN_FAILED, "too large")
    assert job.facts(0.0).failed_indexes == {0}


@pytest.mark.parametrize("code", [ExitCode.TERMINATED, -15])
def test_stopped_worker_uses_no_retry_but_restarts_are_bounded(code: int) -> None:
    job = new_job(1)
    for _ in range(MAX_DISRUPTIONS):
        job.end(job.start(), code, "")
    assert job.can_start()
    job.end(job.start(), code, "stopped")
    assert job.facts(0.0).state == "Failed"


def test_deleted_job_starts_nothing_and_ends_with_its_workers() -> None:
    job = new_job(2, parallelism=1)
    index = job.start()
    job.delete()
    assert not job.can_start()
    assert job.facts(0.0).state == "Deleting"
    job.end(index, ExitCode.TERMINATED, "")
    assert job.ended


def test_scaling_adds_new_indexes_once_and_drops_pending_ones() -> None:
    job = new_job(2)
    job.start()
    job.scale(4, 4)
    assert list(job.pending) == [1, 2, 3]
    job.scale(1, 1)
    assert list(job.pending) == []
    assert job.facts(0.0).parallelism == 1


def test_an_outage_never_counts_and_restarts_are_delayed_longer_and_longer() -> None:
    job, now, delays = new_job(1, phase="evaluate"), 0.0, []
    for attempt in range(30):
        index = job.start(now)
        job.end(index, ExitCode.UNAVAILABLE, f"the bucket is away ({attempt})", now, f"2026-01-01T00:00:{attempt:02}Z")
        assert not job.can_start(now)
        delays.append(job.start_at[index] - now)
        now = job.start_at[index]
        assert job.can_start(now)
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (10.0, MAX_DELAY_SECONDS)
    facts = job.facts(0.0)
    assert (facts.state, facts.failed_indexes) == ("Active", frozenset())
    assert facts.outage == Outage("the bucket is away (29)", "2026-01-01T00:00:00Z")
    job.end(job.start(now), 0, "", now)
    assert (job.facts(0.0).state, job.facts(0.0).outage) == ("Complete", None)


def test_other_indexes_run_while_one_waits_for_the_end_of_an_outage() -> None:
    job = new_job(3, parallelism=1)
    job.end(job.start(0.0), ExitCode.UNAVAILABLE, "no space left on device", 0.0, "2026-01-01T00:00:00Z")
    assert job.start(1.0) == 1
    job.end(1, 0, "", 2.0)
    assert job.start(2.0) == 2
    job.end(2, 0, "", 3.0)
    assert not job.can_start(3.0)
    assert job.facts(0.0).state == "Active"
    assert job.start(10.0) == 0
