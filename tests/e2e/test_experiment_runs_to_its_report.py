"""From `kubectl apply` to the report in the bucket, with a killed operator, a drained node and a killed worker."""

import base64
import json
from functools import partial

import pytest
from e2e.experiment_steps import MODELS, SEEDS, TRIALS, condition, experiment, running_workers, stage, wait_for_stage
from e2e.kubectl import Kubectl, Manifest

STAGES = ("Preparing", "Tuning", "Evaluating", "Reporting")
OPERATOR = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="module")
def finished(system: Kubectl, team: Kubectl, movies: str) -> Manifest:
    """An experiment; the operator is killed in every stage, its node drained in one, a worker killed in another."""
    team.delete("ctrexperiment", "faulty")
    team.wait("its children gone", lambda: {"status": team.list("jobs")}, lambda state: not state["status"])
    team.apply(experiment("faulty", movies))
    seen = []
    for number, name in enumerate(STAGES):
        if stage(wait_for_stage(team, "faulty", *STAGES[number:], "Succeeded")) != name:
            continue  # a short stage ended between two observations
        seen.append(name)
        system.run("delete", "pod", "--selector", OPERATOR, "--wait=false", "--grace-period=1")
        if name in FAULTS:
            phase, inject = FAULTS[name]
            running = team.wait(
                f"a pod of {phase}",
                partial(_running, team, phase),
                lambda state: bool(state["pods"]),
            )
            inject(team, running["pods"][0])
    assert set(seen) >= set(FAULTS)
    return wait_for_stage(team, "faulty", "Succeeded")


def _running(team: Kubectl, phase: str) -> Manifest:
    return {"pods": running_workers(team, "faulty", phase)}


def _drain(team: Kubectl, pod: Manifest) -> None:
    """Drain the pods of this phase from the pod's node, as before maintenance, and make the node schedulable again."""
    node, phase = pod["spec"]["nodeName"], pod["metadata"]["labels"]["ctrlab.dev/phase"]
    selector = f"ctrlab.dev/experiment=faulty,ctrlab.dev/phase={phase}"
    team.run("drain", node, "--pod-selector", selector, "--delete-emptydir-data", "--ignore-daemonsets")
    team.run("uncordon", node)


def _kill(team: Kubectl, pod: Manifest) -> None:
    """Delete the pod as if its node were gone, without a signal to the worker."""
    team.delete("pod", pod["metadata"]["name"], "--grace-period=0", "--force")


FAULTS = {"Tuning": ("tune", _drain), "Evaluating": ("evaluate", _kill)}


def test_no_work_is_lost_or_done_twice(finished: Manifest) -> None:
    status = finished["status"]
    models = {model["name"]: (model["trialsDone"], model["runsDone"]) for model in status["models"]}
    assert models == {name: (TRIALS, SEEDS) for name in MODELS}
    assert condition(finished, "Succeeded")["status"] == "True"
    assert len(json.dumps(status)) < 16 * 1024


def test_the_report_is_in_the_bucket(finished: Manifest, team: Kubectl, images: dict[str, str], endpoint: str) -> None:
    report = finished["status"]["report"]
    bucket, _, prefix = report["uri"].removeprefix("s3://").partition("/")
    printed = team.output_of(
        images["trainer"],
        "import boto3, hashlib, json; s3 = boto3.client('s3')\n"
        f"found = s3.list_objects_v2(Bucket={bucket!r}, Prefix={prefix!r})['Contents']\n"
        "print(json.dumps([o['Key'].rpartition('/')[2] for o in found]))",
        "ctrlab-storage",
        {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"},
    )
    assert {"report.html", "report.md", "summary.json", "runs.csv", "comparisons.csv", "manifest.json"} <= set(
        json.loads(printed.strip().splitlines()[-1])
    )


def test_no_secret_leaks_into_status_events_or_logs(finished: Manifest, system: Kubectl, team: Kubectl) -> None:
    secrets = [team.get("secret", name)["data"] for name in ("ctrlab-storage", "ctrlab-database")]
    values = {base64.b64decode(data[key]).decode() for data in secrets for key in data if key in SECRET_KEYS}
    password = next(value for value in values if value.startswith("postgresql")).split(":")[2].partition("@")[0]
    texts = [json.dumps(finished), team.run("get", "events", "--output", "json")]
    texts += [team.run("get", "jobs,configmaps,pods", "--output", "json")]
    texts += [team.run("logs", pod["metadata"]["name"]) for pod in team.list("pods", "ctrlab.dev/experiment")]
    texts += [system.run("logs", "--selector", OPERATOR, "--tail=-1"), system.run("get", "events", "--output", "json")]
    for secret in (values - {"ctrlab"}) | {password}:
        assert not any(secret in text for text in texts)


SECRET_KEYS = ("AWS_SECRET_ACCESS_KEY", "url")


def test_its_progress_is_visible_to_its_user(finished: Manifest, team: Kubectl) -> None:
    header, row = team.run("get", "ctrexp", "faulty").strip().splitlines()
    assert header.split()[:6] == ["NAME", "READY", "REASON", "STAGE", "TRIALS", "SEEDS"]
    assert row.split()[2:5] == ["Succeeded", "Succeeded", f"{TRIALS * len(MODELS)}/{TRIALS * len(MODELS)}"]
    # The operator creates an Event after it has written the status.
    team.wait(
        "Events of the stages",
        lambda: {"status": [event["reason"] for event in team.list("events")]},
        lambda state: {"Tuning", "Evaluating", "Succeeded"} <= set(state["status"]),
    )


def test_deletion_removes_the_children_and_keeps_the_store(
    finished: Manifest, team: Kubectl, images: dict[str, str], endpoint: str
) -> None:
    team.delete("ctrexperiment", "faulty")
    selector = "ctrlab.dev/experiment=faulty"
    team.wait(
        "no children",
        lambda: {"status": [team.list(kind, selector) for kind in ("jobs", "pods", "configmaps")]},
        lambda state: not any(state["status"]),
    )
    test_the_report_is_in_the_bucket(finished, team, images, endpoint)
