"""The choice of the best trial, and the sentence that justifies it."""

import pytest
from builders import make_trial_record

from ctrlab_api.records import TrialRecord
from ctrlab_study import StudyFailed
from ctrlab_study.study_records import choose_best


def trial(number: int, value: float | None, state: str = "COMPLETE", *, slot: int | None = None) -> TrialRecord:
    return make_trial_record(
        number,
        slot=number if slot is None else slot,
        counted=state != "LOST",
        state="FAIL" if state == "LOST" else state,
        value=value,
        parameters={"x": number},
        reason="diverged" if state == "FAIL" else None,
    )


def test_the_highest_value_wins_and_the_runner_up_is_named() -> None:
    best = choose_best("M", "auc", "maximize", [trial(0, 0.7), trial(1, 0.75), trial(2, 0.74), trial(3, None, "FAIL")])
    assert (best.trial, best.value, best.parameters, best.runner_up, best.runner_up_value) == (
        1,
        0.75,
        {"x": 1},
        2,
        0.74,
    )
    assert best.justification == (
        "Highest validation auc, 0.75, of 3 complete trials (0 pruned and 1 failed of 4); "
        "trial 2 is second, 0.01 behind."
    )


def test_the_lowest_value_wins_if_the_metric_is_minimized() -> None:
    best = choose_best("M", "logloss", "minimize", [trial(0, 0.7), trial(1, 0.4)])
    assert (best.trial, best.justification.split(",")[0]) == (1, "Lowest validation logloss")


def test_of_equal_trials_the_lower_slot_wins() -> None:
    best = choose_best("M", "auc", "maximize", [trial(4, 0.7, slot=1), trial(5, 0.7, slot=0)])
    assert (best.trial, best.runner_up) == (5, 4)
    assert "the lower slot was chosen" in best.justification


def test_pruned_and_lost_trials_are_never_chosen() -> None:
    best = choose_best("M", "auc", "maximize", [trial(0, 0.9, "PRUNED"), trial(1, None, "LOST"), trial(2, 0.6)])
    assert (best.trial, best.runner_up) == (2, None)
    assert best.justification.endswith("(1 pruned and 0 failed of 2); there is no runner-up.")


def test_without_a_complete_trial_the_message_has_the_last_failure() -> None:
    with pytest.raises(
        StudyFailed, match="none of 2 trials is complete: 1 failed, 1 pruned; the last failure: diverged"
    ):
        choose_best("M", "auc", "maximize", [trial(0, None, "FAIL"), trial(1, 0.5, "PRUNED")])
