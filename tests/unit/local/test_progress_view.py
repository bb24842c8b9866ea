"""Progress lines are printed at each change of stage, not at each reconcile; durations are readable."""

import io
import json

import pytest

from ctrlab.local.progress_view import ProgressLines
from ctrlab.local.time_estimate import TimeEstimate, format_duration
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import Facts, StudyFacts, decide

SPEC = {
    "dataset": {
        "source": {"uri": "builtin://synthetic"},
        "label": {"column": "click"},
        "features": [{"name": "user_id", "type": "Categorical"}],
        "split": {"strategy": "Random"},
    },
    "models": [{"name": "FM", "architecture": "fm", "search": {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}}],
    "tuning": {"trials": 7},
    "evaluation": {"seeds": {"count": 5}},
}
EXPERIMENT = Experiment.model_validate_json(json.dumps({"metadata": {"name": "study"}, "spec": SPEC}))


def facts(**observed: object) -> Facts:
    return Facts(experiment=EXPERIMENT, now="t", frozen_plan=Plan.from_experiment(EXPERIMENT), **observed)  # type: ignore[arg-type]


def test_repeated_updates_of_a_stage_print_one_line() -> None:
    stream = io.StringIO()
    view = ProgressLines("study", stream)
    for observed in (facts(), facts(), facts(studies={"FM": StudyFacts(done=1)})):
        view.update(observed, decide(observed).status, running=1)
    assert stream.getvalue() == "study: Preparing; trials 0/7; encoding the data set; 0 s elapsed\n"


def test_time_left_extrapolates_the_pace_of_this_process() -> None:
    estimate = TimeEstimate()
    prepared = facts(studies={"FM": StudyFacts(done=2)})
    object.__setattr__(prepared, "prepared", object())
    assert estimate.seconds_left(prepared, 100.0) is None
    later = facts(studies={"FM": StudyFacts(done=4)})
    assert estimate.seconds_left(later, 120.0) == pytest.approx(10.0 * (7 + 5 - 4))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_duration_format(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
