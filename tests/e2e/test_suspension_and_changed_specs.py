"""Suspending, resuming, changing a frozen plan, and experiments that cannot run, on a real cluster."""

import json

import pytest
from e2e.experiment_steps import condition, experiment, running_workers, wait_for_stage
from e2e.kubectl import CommandFailed, Kubectl, Manifest


def _merge(team: Kubectl, name: str, change: Manifest) -> None:
    team.run("patch", "ctrexperiment", name, "--type=merge", "--patch", json.dumps(change))


def test_a_suspended_experiment_stops_its_pods_and_resumes_where_it_stopped(team: Kubectl, movies: str) -> None:
    team.apply(experiment("paused", movies, tuning={"sampler": "Random", "trials": 30, "workers": 1, "seed": 1}))
    resource = team.wait(
        "some finished trials",
        lambda: team.get("ctrexperiment", "paused"),
        lambda resource: sum(model["trialsDone"] for model in resource.get("status", {}).get("models", [])) >= 1,
        900,
    )
    _merge(team, "paused", {"spec": {"suspend": True}})
    wait_for_stage(team, "paused", "Suspended")
    team.wait(
        "no pods", lambda: {"status": running_workers(team, "paused", "tune")}, lambda resource: not resource["status"]
    )
    before = {model["name"]: model["trialsDone"] for model in resource["status"]["models"]}
    _merge(team, "paused", {"spec": {"suspend": False}})
    wait_for_stage(team, "paused", "Tuning", "Evaluating")
    after = {model["name"]: model["trialsDone"] for model in team.get("ctrexperiment", "paused")["status"]["models"]}
    assert all(after[name] >= before[name] for name in before)

    with pytest.raises(CommandFailed, match="once the plan is frozen"):
        _merge(team, "paused", {"spec": {"evaluation": {"seeds": {"count": 9}}}})
    team.delete("ctrexperiment", "paused")
    team.wait(
        "its pods gone",
        lambda: {"status": team.list("pods", "ctrlab.dev/experiment=paused")},
        lambda resource: not resource["status"],
    )


def test_missing_data_stall_the_experiment_after_one_job(team: Kubectl) -> None:
    team.apply(experiment("no-data", "s3://ctrlab/data/nothing"))
    resource = team.wait(
        "the end of no-data",
        lambda: team.get("ctrexperiment", "no-data"),
        lambda resource: condition(resource, "Stalled").get("status") == "True",
    )
    assert "spec.dataset.source.uri" in condition(resource, "Stalled")["message"]
    jobs = [job["metadata"]["name"] for job in team.list("jobs", "ctrlab.dev/experiment=no-data")]
    assert jobs == ["no-data-prepare"]
    team.delete("ctrexperiment", "no-data")


def test_a_secret_that_the_operator_may_not_read_is_named(team: Kubectl, movies: str) -> None:
    team.apply(experiment("no-secret", movies, storage={"secretRef": {"name": "somebody-elses"}}))
    resource = team.wait(
        "a reason of no-secret",
        lambda: team.get("ctrexperiment", "no-secret"),
        lambda resource: (
            condition(resource, "Ready").get("reason") == "SecretForbidden"
            or condition(resource, "Stalled").get("reason") == "SecretForbidden"
        ),
    )
    assert "somebody-elses" in json.dumps(resource["status"])
    team.delete("ctrexperiment", "no-secret")
