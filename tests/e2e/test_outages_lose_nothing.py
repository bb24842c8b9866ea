"""The bucket and the database of the installation are stopped for a minute during final runs and trials."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from e2e.experiment_steps import MODELS, SEEDS, TRIALS, condition, experiment, running_workers, wait_for_stage
from e2e.kubectl import Kubectl, Manifest

OUTAGE_SECONDS = 60
IMPATIENT = [{"name": "CTRLAB_OUTAGE_SECONDS", "value": "5"}, {"name": "AWS_MAX_ATTEMPTS", "value": "1"}]
"""Workers that give up quickly, so that the Job has to start them again."""


@contextmanager
def outage(system: Kubectl, server: str) -> Iterator[None]:
    """Stop a server of the installation, and start it again."""
    system.run("scale", f"statefulset/{server}", "--replicas=0")
    system.run("wait", "--for=delete", f"pod/{server}-0", "--timeout=120s")
    try:
        yield
    finally:
        system.run("scale", f"statefulset/{server}", "--replicas=1")
        system.run("rollout", "status", f"statefulset/{server}", "--timeout=300s")


def workers(team: Kubectl, phase: str) -> Manifest:
    """Return the running workers of a phase as an observation."""
    return {"status": running_workers(team, "outage", phase)}


def test_outages_of_store_and_database_lose_no_trial_and_no_run(system: Kubectl, team: Kubectl, movies: str) -> None:
    team.apply(experiment("outage", movies, runtime={"env": IMPATIENT}))
    for stage, phase, server in (("Tuning", "tune", "ctrlab-postgresql"), ("Evaluating", "evaluate", "ctrlab-s3")):
        wait_for_stage(team, "outage", stage)
        team.wait(f"a pod of {phase}", partial(workers, team, phase), lambda state: bool(state["status"]))
        with outage(system, server):
            time.sleep(OUTAGE_SECONDS)

    finished = wait_for_stage(team, "outage", "Succeeded")

    models = {model["name"]: (model["trialsDone"], model["runsDone"]) for model in finished["status"]["models"]}
    assert models == {name: (TRIALS, SEEDS) for name in MODELS}
    assert condition(finished, "RunsLost")["status"] == "False"
    reasons = [event["reason"] for event in team.list("events") if event["involvedObject"]["name"] == "outage"]
    assert {"InfrastructureUnavailable", "StoreUnavailable", "DatabaseUnavailable"} & set(reasons)
    team.delete("ctrexperiment", "outage")
