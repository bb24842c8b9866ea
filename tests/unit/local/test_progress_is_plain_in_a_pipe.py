"""Progress lines: one at each change of stage, not one at each look; and durations as people say them."""

import io
import json

import pytest

from ctrlab.local.progress_view import Lines
from ctrlab.local.time_estimate import Estimate, as_duration
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
WANTED = Experiment.model_validate_json(json.dumps({"metadata": {"name": "study"}, "spec": SPEC}))


def facts(**known: object) -> Facts:
    return Facts(experiment=WANTED, now="t", frozen=Plan.from_experiment(WANTED), **known)  # type: ignore[arg-type]


def test_a_stage_gets_one_line_however_often_it_is_looked_at() -> None:
    stream = io.StringIO()
    view = Lines("study", stream)
    for looked in (facts(), facts(), facts(searches={"FM": StudyFacts(done=1)})):
        view.update(looked, decide(looked).status, running=1)
    assert stream.getvalue() == "study: Preparing; trials 0/7; encoding the data set; 0 s elapsed\n"


def test_time_left_is_the_pace_of_this_process_times_what_remains() -> None:
    estimate = Estimate()
    prepared = facts(searches={"FM": StudyFacts(done=2)})
    object.__setattr__(prepared, "prepared", object())
    assert estimate.seconds_left(prepared, 100.0) is None
    further = facts(searches={"FM": StudyFacts(done=4)})
    assert estimate.seconds_left(further, 120.0) == pytest.approx(10.0 * (7 + 5 - 4))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert as_duration(seconds) == text
