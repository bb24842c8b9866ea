"""A service that failed is not asked again for a moment, by any experiment."""

import pytest

from ctrlab_operator.connections.recent_outages import RETRY_SECONDS, RecentOutages
from ctrlab_operator.reconciling.error_translation import is_refusal
from ctrlab_store import StoreError, StoreUnavailable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_failure_is_raised_again_until_the_pause_is_over() -> None:
    clock = Clock()
    outages = RecentOutages(clock)
    error = StoreError("the bucket does not respond")
    outages.add("bucket", error, "experiments/team/first/1")
    with pytest.raises(StoreError) as raised:
        outages.raise_recent("bucket", "experiments/team/first/1")
    outages.raise_recent("another bucket", "experiments/team/first/1")
    clock.now = RETRY_SECONDS / 2
    outages.add("bucket", raised.value, "experiments/team/first/1")
    clock.now = RETRY_SECONDS
    outages.raise_recent("bucket", "experiments/team/first/1")


def test_a_new_failure_starts_a_new_pause() -> None:
    clock = Clock()
    outages = RecentOutages(clock)
    outages.add("bucket", StoreError("first"), "experiments/team/first/1")
    clock.now = RETRY_SECONDS / 2
    outages.add("bucket", StoreError("second"), "experiments/team/first/1")
    clock.now = RETRY_SECONDS
    with pytest.raises(StoreError, match="second"):
        outages.raise_recent("bucket", "experiments/team/first/1")


def test_the_message_does_not_name_the_experiment_that_met_the_failure() -> None:
    outages = RecentOutages(Clock())
    error = StoreUnavailable("s3://b/experiments/theirs/secret/1: 'plan.json': no answer", longest_wait=7.0)
    outages.add("bucket", error, "experiments/theirs/secret/1")
    with pytest.raises(StoreUnavailable) as raised:
        outages.raise_recent("bucket", "experiments/team/study/2")
    assert str(raised.value) == "s3://b/experiments/team/study/2: 'plan.json': no answer"
    assert raised.value.longest_wait == 7.0


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("An error occurred (403) when calling the HeadObject operation: Forbidden", True),
        ("An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation", True),
        ("An error occurred (InvalidAccessKeyId) when calling the GetObject operation", True),
        ('FATAL:  password authentication failed for user "me"', True),
        ('FATAL:  database "studies" does not exist', True),
        ("An error occurred (503) when calling the PutObject operation: SlowDown", False),
        ("Could not connect to the endpoint URL", False),
        ("connection refused; is the server running?", False),
        ("FATAL:  sorry, too many clients already", False),
        ("cannot execute INSERT in a read-only transaction", False),
    ],
)
def test_a_service_that_answers_and_denies_is_distinct_from_one_that_is_away(message: str, expected: bool) -> None:
    assert is_refusal(StoreError(message)) == expected
