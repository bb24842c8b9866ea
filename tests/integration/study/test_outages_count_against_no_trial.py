"""A full disk or an absent database costs a worker time, and the study no trial."""

import errno
import os
import threading
from collections.abc import Callable

import pytest
from local_servers.tcp_proxy import TcpProxy, to_unix_socket
from sqlalchemy import make_url

from ctrlab_api.errors import ServiceUnavailable
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.plan import Plan
from ctrlab_study import LeasedTrial, StudyDatabase, StudyUnavailable, run_trials

MakePlan = Callable[..., Plan]


def test_a_full_disk_ends_the_worker_and_its_slot_runs_again(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=2, maxFailedTrials=0)
    study = studies.study(key, plan, "M")

    def fill_the_disk(trial: LeasedTrial) -> float:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for worker in range(8):
        with pytest.raises(ServiceUnavailable, match="No space left on device"):
            run_trials(study, f"w{worker}", fill_the_disk)
    run_trials(study, "last", lambda trial: 0.5)
    progress = studies.progress(key, plan)["M"]
    assert (progress.done, progress.failed, progress.leased) == (2, 0, 0)


def test_a_trial_survives_an_absence_of_the_database_and_a_longer_one_repeats_it(
    postgres: Callable[[], str], key: ExperimentKey, make_plan: MakePlan
) -> None:
    url = make_url(postgres())
    proxy = TcpProxy(to_unix_socket(f"{url.query['host']}/.s.PGSQL.5432"))
    address = f"postgresql+psycopg://postgres:any@127.0.0.1:{proxy.port}/{url.database}"
    patient = StudyDatabase(address, lease_seconds=0.6, patience=OutagePatience(30))
    impatient = StudyDatabase(address, lease_seconds=0.6, patience=OutagePatience(0.3))
    plan = make_plan(trials=1, maxFailedTrials=0)
    objectives: list[str] = []

    def cut(trial: LeasedTrial) -> float:
        objectives.append("impatient")
        proxy.cut()
        trial.report(1, 0.5)
        raise AssertionError("the report must have raised")

    def cut_for_a_moment(trial: LeasedTrial) -> float:
        objectives.append("patient")
        proxy.cut()
        threading.Timer(1.5, proxy.restore).start()
        trial.report(1, 0.5)
        return 0.5

    with pytest.raises(StudyUnavailable, match="unavailable since"):
        run_trials(impatient.study(key, plan, "M"), "first", cut)
    proxy.restore()
    run_trials(patient.study(key, plan, "M"), "second", cut_for_a_moment, poll=0.1)
    progress = patient.progress(key, plan)["M"]
    assert (progress.done, progress.failed, progress.leased) == (1, 0, 0)
    assert objectives == ["impatient", "patient"]
    for database in (patient, impatient):
        database.dispose()
    proxy.close()
