"""Corrections, quotas and the columns of `kubectl get`, on a real cluster."""

import json

from e2e.experiment_steps import condition, experiment, wait_for_stage
from e2e.kubectl import Kubectl, Manifest


def _patch(team: Kubectl, name: str, spec: Manifest) -> None:
    team.run("patch", "ctrexperiment", name, "--type=merge", "--patch", json.dumps({"spec": spec}))


def _wait_for_condition(team: Kubectl, name: str, condition_type: str, reason: str) -> Manifest:
    resource = team.wait(
        f"{condition_type} of {name} with the reason {reason}",
        lambda: team.get("ctrexperiment", name),
        lambda resource: condition(resource, condition_type).get("reason") == reason,
    )
    return condition(resource, condition_type)


def test_a_corrected_image_and_node_selector_reach_the_job_that_cannot_start(
    team: Kubectl, movies: str, images: dict[str, str]
) -> None:
    spec = {**experiment("corrected", movies)["spec"]["runtime"], "image": "registry.invalid/ctrlab-trainer:mistyped"}
    team.apply(experiment("corrected", movies, runtime=spec))
    stalled = _wait_for_condition(team, "corrected", "Stalled", "PodsCannotStart")
    assert "correct spec.runtime.image" in stalled["message"]

    _patch(team, "corrected", {"runtime": {"image": images["trainer"], "nodeSelector": {"no-node": "has-this"}}})
    unschedulable = _wait_for_condition(team, "corrected", "Reconciling", "Unschedulable")
    assert unschedulable["status"] == "True"

    _patch(team, "corrected", {"runtime": {"nodeSelector": None}})
    wait_for_stage(team, "corrected", "Tuning")
    team.delete("ctrexperiment", "corrected")


def test_a_quota_that_requires_limits_admits_every_pod(team: Kubectl, movies: str) -> None:
    hard = {"limits.cpu": "64", "limits.memory": "256Gi", "requests.cpu": "64", "requests.memory": "256Gi"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limits"}, "spec": {"hard": hard}}
    team.apply(quota)
    try:
        team.apply(experiment("limited", movies, tuning={"sampler": "Random", "trials": 2, "workers": 1, "seed": 1}))
        resource = wait_for_stage(team, "limited", "Succeeded")
    finally:
        team.delete("resourcequota", "limits")
    assert resource["status"]["datasetDigest"].startswith("sha256:")
    assert resource["status"]["report"]["page"].endswith("/report.html")
    assert "FM" in resource["status"]["report"]["verdict"]
    assert resource["status"]["report"]["page"] in condition(resource, "Ready")["message"]
    header, row = team.run("get", "ctrexp", "limited").splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "STAGE", "TRIALS", "SEEDS", "VALID-BEST", "VERDICT", "AGE"]
    assert row.split()[1:4] == ["True", "Succeeded", "Succeeded"]
    team.delete("ctrexperiment", "limited")


def test_a_quota_of_one_pod_leaves_an_experiment_ready_while_one_job_runs(team: Kubectl, movies: str) -> None:
    hard = {"pods": str(1 + len(_pods_of_others(team, "narrow")))}
    team.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "narrow"}, "spec": {"hard": hard}})
    team.apply(experiment("narrow", movies, tuning={"sampler": "Random", "trials": 60, "workers": 1, "seed": 1}))
    try:
        resource = team.wait(
            "one tuning Job runs and the other is refused",
            lambda: team.get("ctrexperiment", "narrow"),
            lambda resource: "exceeded quota" in condition(resource, "Ready").get("message", ""),
        )
    finally:
        team.delete("resourcequota", "narrow")
        team.delete("ctrexperiment", "narrow")
    assert condition(resource, "Ready")["status"] == "True"
    assert condition(resource, "Stalled")["status"] == "False"


def _pods_of_others(team: Kubectl, name: str) -> list[Manifest]:
    pods = team.list("pods", f"ctrlab.dev/experiment!={name}")
    return [pod for pod in pods if pod["status"].get("phase") not in ("Succeeded", "Failed")]


def test_a_resource_is_not_current_before_the_operator_has_seen_it(team: Kubectl, movies: str) -> None:
    body = experiment("unseen", movies, suspend=True)
    created = json.loads(team.run("create", "--filename", "-", "--output", "json", stdin=json.dumps(body)))
    assert created.get("status", {"observedGeneration": -1})["observedGeneration"] == -1
    resource = wait_for_stage(team, "unseen", "Suspended")
    assert resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
    team.delete("ctrexperiment", "unseen")


def test_a_job_that_a_queue_suspends_is_queued_and_continues_on_admission(team: Kubectl, movies: str) -> None:
    team.apply(experiment("queued", movies, tuning={"sampler": "Random", "trials": 40, "workers": 1, "seed": 1}))
    wait_for_stage(team, "queued", "Tuning")
    jobs = [job["metadata"]["name"] for job in team.list("jobs", "ctrlab.dev/experiment=queued,ctrlab.dev/phase=tune")]
    for job in jobs:  # what Kueue's webhook does to the Jobs of its queues
        team.run("patch", "job", job, "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    queued = _wait_for_condition(team, "queued", "Reconciling", "Queued")
    assert jobs[0] in queued["message"]
    resource = team.get("ctrexperiment", "queued")
    assert condition(resource, "Ready")["status"] == "False"
    assert condition(resource, "Stalled")["status"] == "False"
    for job in jobs:
        team.run("patch", "job", job, "--type=merge", "--patch", '{"spec": {"suspend": false}}')
    team.wait(
        "queued works again",
        lambda: team.get("ctrexperiment", "queued"),
        lambda resource: condition(resource, "Ready").get("status") == "True",
    )
    team.delete("ctrexperiment", "queued")


def test_a_correction_during_final_runs_repeats_no_finished_run(team: Kubectl, movies: str) -> None:
    tuning = {"sampler": "Random", "trials": 1, "workers": 1, "seed": 1}
    team.apply(experiment("changed", movies, tuning=tuning))
    resource = team.wait(
        "a finished final run",
        lambda: team.get("ctrexperiment", "changed"),
        lambda resource: sum(model["runsDone"] for model in resource.get("status", {}).get("models", [])) >= 1,
        1800,
    )
    done = {model["name"]: model["runsDone"] for model in resource["status"]["models"]}
    _patch(team, "changed", {"runtime": {"env": [{"name": "MY_FLAG", "value": "on"}]}})
    resource = wait_for_stage(team, "changed", "Succeeded")
    assert all(model["runsDone"] >= done[model["name"]] for model in resource["status"]["models"])
    (job,) = team.list("jobs", "ctrlab.dev/experiment=changed,ctrlab.dev/phase=evaluate")
    variables = job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MY_FLAG", "value": "on"} in variables
    assert condition(resource, "Reconciling")["status"] == "False"
    team.delete("ctrexperiment", "changed")
