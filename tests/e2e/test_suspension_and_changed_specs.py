"""Suspending, resuming, changing a frozen plan, and experiments that cannot work, on a real cluster."""

import json

import pytest
from e2e.experiment_steps import condition, experiment, until, workers
from e2e.kubectl import Kubectl, Manifest, Refused


def _merge(team: Kubectl, name: str, change: Manifest) -> None:
    team.run("patch", "ctrexperiment", name, "--type=merge", "--patch", json.dumps(change))


def test_a_suspended_experiment_stops_its_pods_and_resumes_where_it_was(team: Kubectl, movies: str) -> None:
    team.apply(experiment("paused", movies, tuning={"sampler": "Random", "trials": 30, "workers": 1, "seed": 1}))
    found = team.wait(
        "some finished trials",
        lambda: team.get("ctrexperiment", "paused"),
        lambda found: sum(model["trialsDone"] for model in found.get("status", {}).get("models", [])) >= 1,
        900,
    )
    _merge(team, "paused", {"spec": {"suspend": True}})
    until(team, "paused", "Suspended")
    team.wait("no pods", lambda: {"status": workers(team, "paused", "tune")}, lambda found: not found["status"])
    before = {model["name"]: model["trialsDone"] for model in found["status"]["models"]}
    _merge(team, "paused", {"spec": {"suspend": False}})
    until(team, "paused", "Tuning", "Evaluating")
    after = {model["name"]: model["trialsDone"] for model in team.get("ctrexperiment", "paused")["status"]["models"]}
    assert all(after[name] >= before[name] for name in before)

    with pytest.raises(Refused, match="once the plan is frozen"):
        _merge(team, "paused", {"spec": {"evaluation": {"seeds": {"count": 9}}}})
    team.delete("ctrexperiment", "paused")
    team.wait(
        "its pods gone",
        lambda: {"status": team.list("pods", "ctrlab.dev/experiment=paused")},
        lambda found: not found["status"],
    )


def test_data_that_are_not_there_stall_at_the_cost_of_one_job(team: Kubectl) -> None:
    team.apply(experiment("no-data", "s3://ctrlab/data/nothing"))
    found = team.wait(
        "the end of no-data",
        lambda: team.get("ctrexperiment", "no-data"),
        lambda found: condition(found, "Stalled").get("status") == "True",
    )
    assert "spec.dataset.source.uri" in condition(found, "Stalled")["message"]
    jobs = [job["metadata"]["name"] for job in team.list("jobs", "ctrlab.dev/experiment=no-data")]
    assert jobs == ["no-data-prepare"]
    team.delete("ctrexperiment", "no-data")


def test_a_secret_that_the_operator_may_not_read_is_named(team: Kubectl, movies: str) -> None:
    team.apply(experiment("no-secret", movies, storage={"secretRef": {"name": "somebody-elses"}}))
    found = team.wait(
        "no-secret told",
        lambda: team.get("ctrexperiment", "no-secret"),
        lambda found: (
            condition(found, "Ready").get("reason") == "SecretForbidden"
            or condition(found, "Stalled").get("reason") == "SecretForbidden"
        ),
    )
    assert "somebody-elses" in json.dumps(found["status"])
    team.delete("ctrexperiment", "no-secret")
