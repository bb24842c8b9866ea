"""A service that failed is not asked again for a moment, by any experiment."""

import pytest

from ctrlab_operator.connections.recent_outages import RETRY_SECONDS, RecentOutages
from ctrlab_operator.reconciling.error_translation import is_refusal
from ctrlab_store import StoreError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_failure_is_raised_again_until_the_pause_is_over() -> None:
    clock = Clock()
    outages = RecentOutages(clock)
    error = StoreError("the bucket does not respond")
    outages.add("bucket", error)
    with pytest.raises(StoreError) as raised:
        outages.raise_recent("bucket")
    outages.raise_recent("another bucket")
    clock.now = RETRY_SECONDS / 2
    outages.add("bucket", raised.value)
    clock.now = RETRY_SECONDS
    outages.raise_recent("bucket")


def test_a_new_failure_starts_a_new_pause() -> None:
    clock = Clock()
    outages = RecentOutages(clock)
    outages.add("bucket", StoreError("first"))
    clock.now = RETRY_SECONDS / 2
    outages.add("bucket", StoreError("second"))
    clock.now = RETRY_SECONDS
    with pytest.raises(StoreError, match="second"):
        outages.raise_recent("bucket")


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
