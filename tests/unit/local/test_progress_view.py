"""Progress lines are printed at each change of stage, not at each reconcile; durations are readable."""

import io
from dataclasses import replace

import pytest
from builders import FM, make_facts, make_prepared_data, make_small_experiment

from ctrlab.local.progress_view import ProgressLines
from ctrlab.local.time_estimate import TimeEstimate, format_duration
from ctrlab_control.planner import StudyFacts, decide

FACTS = make_facts(make_small_experiment(models=[FM], tuning={"trials": 7}))


def test_repeated_updates_of_a_stage_print_one_line() -> None:
    stream = io.StringIO()
    view = ProgressLines("study", stream)
    for observed in (FACTS, FACTS, replace(FACTS, studies={"FM": StudyFacts(done=1)})):
        view.update(observed, decide(observed).status, running=1)
    assert stream.getvalue() == "study: Preparing; trials 0/7; encoding the data set; 0 s elapsed\n"


def test_time_left_extrapolates_the_pace_of_this_process() -> None:
    estimate = TimeEstimate()
    before = replace(FACTS, prepared=make_prepared_data(), studies={"FM": StudyFacts(done=2)})
    assert estimate.seconds_left(before, 100.0) is None
    later = replace(before, studies={"FM": StudyFacts(done=4)})
    assert estimate.seconds_left(later, 120.0) == pytest.approx(10.0 * (7 + 5 - 4))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_duration_format(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
