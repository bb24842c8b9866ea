"""LeaveLastOut with `count`: the last rows of each user are test, and as many before them validation."""

import numpy as np
import pytest

from ctrlab_trainer.data.splits.split_strategies import TEST, TRAIN, VALID, split_leave_last_out


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [TRAIN, TRAIN, TRAIN, TRAIN, VALID, TEST]),
        (2, [TRAIN, TRAIN, VALID, VALID, TEST, TEST]),
        (3, [TRAIN] * 6),
    ],
)
def test_the_last_rows_of_a_user_are_left_out_if_one_remains(count: int, expected: list[int]) -> None:
    times = np.array([50, 10, 20, 30, 60, 40])
    split = split_leave_last_out(times, np.zeros(6, np.int32), count)
    assert split[np.argsort(times)].tolist() == expected


def test_each_user_is_split_by_the_own_rows() -> None:
    users = np.array([0, 1] * 5 + [1], np.int32)
    split = split_leave_last_out(np.arange(11), users, 2)
    assert [split[users == user].tolist() for user in (0, 1)] == [
        [TRAIN, VALID, VALID, TEST, TEST],
        [TRAIN, TRAIN, VALID, VALID, TEST, TEST],
    ]
