"""A worker process, for tests that kill it: `python study_worker.py URL KEY PLAN WORKER [STARTED]`.

Its objective takes a few tenths of a second. With STARTED it writes that file in its first trial and then waits until
it is killed.
"""

import json
import sys
import time
from pathlib import Path

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import LeasedTrial, StudyDatabase, run_trials


def main(url: str, key: str, plan: str, worker: str, started: str | None = None) -> None:
    def objective(trial: LeasedTrial) -> float:
        if started is not None:
            Path(started).write_text(str(trial.number))
            time.sleep(60)
        for epoch in (1, 2):
            time.sleep(0.05)
            trial.report(epoch, trial.slot + epoch / 10)
        return trial.slot / 10

    studies = StudyDatabase(url, lease_seconds=3)
    study = studies.study(ExperimentKey(**json.loads(key)), Plan.model_validate_json(Path(plan).read_bytes()), "M")
    run_trials(study, worker, objective, poll=0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
