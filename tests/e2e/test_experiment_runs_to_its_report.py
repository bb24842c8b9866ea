"""From `kubectl apply` to the report in the bucket, with nobody watching and everything going wrong on the way."""

import base64
import json
from functools import partial

import pytest
from e2e.experiment_steps import MODELS, SEEDS, TRIALS, condition, experiment, stage, until, workers
from e2e.kubectl import Kubectl, Manifest

STAGES = ("Preparing", "Tuning", "Evaluating", "Reporting")
OPERATOR = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="module")
def finished(system: Kubectl, team: Kubectl, movies: str) -> Manifest:
    """An experiment whose operator is killed in every stage, its node drained in one, a worker killed in another."""
    team.delete("ctrexperiment", "troubled")
    team.wait("its children gone", lambda: {"status": team.list("jobs")}, lambda found: not found["status"])
    team.apply(experiment("troubled", movies))
    seen = []
    for number, name in enumerate(STAGES):
        if stage(until(team, "troubled", *STAGES[number:], "Succeeded")) != name:
            continue  # a short stage was over between two looks
        seen.append(name)
        system.run("delete", "pod", "--selector", OPERATOR, "--wait=false", "--grace-period=1")
        if name in TROUBLE:
            phase, trouble = TROUBLE[name]
            running = team.wait(
                f"a pod of {phase}",
                partial(_running, team, phase),
                lambda found: bool(found["pods"]),
            )
            trouble(team, running["pods"][0])
    assert set(seen) >= set(TROUBLE)
    return until(team, "troubled", "Succeeded")


def _running(team: Kubectl, phase: str) -> Manifest:
    return {"pods": workers(team, "troubled", phase)}


def _drain(team: Kubectl, pod: Manifest) -> None:
    """The pod's node is drained of this phase's pods, as before its repair, and given back."""
    node, phase = pod["spec"]["nodeName"], pod["metadata"]["labels"]["ctrlab.dev/phase"]
    selector = f"ctrlab.dev/experiment=troubled,ctrlab.dev/phase={phase}"
    team.run("drain", node, "--pod-selector", selector, "--delete-emptydir-data", "--ignore-daemonsets")
    team.run("uncordon", node)


def _kill(team: Kubectl, pod: Manifest) -> None:
    """As if its node were gone: no signal that the worker could answer."""
    team.delete("pod", pod["metadata"]["name"], "--grace-period=0", "--force")


TROUBLE = {"Tuning": ("tune", _drain), "Evaluating": ("evaluate", _kill)}


def test_nothing_is_lost_and_nothing_is_done_twice(finished: Manifest) -> None:
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
    told = [json.dumps(finished), team.run("get", "events", "--output", "json")]
    told += [team.run("get", "jobs,configmaps,pods", "--output", "json")]
    told += [team.run("logs", pod["metadata"]["name"]) for pod in team.list("pods", "ctrlab.dev/experiment")]
    told += [system.run("logs", "--selector", OPERATOR, "--tail=-1"), system.run("get", "events", "--output", "json")]
    for secret in (values - {"ctrlab"}) | {password}:
        assert not any(secret in text for text in told)


SECRET_KEYS = ("AWS_SECRET_ACCESS_KEY", "url")


def test_its_user_sees_it_move(finished: Manifest, team: Kubectl) -> None:
    header, row = team.run("get", "ctrexp", "troubled").strip().splitlines()
    assert header.split()[:6] == ["NAME", "READY", "STAGE", "TRIALS", "BEST", "SEEDS"]
    assert row.split()[2:4] == ["Succeeded", f"{TRIALS * len(MODELS)}/{TRIALS * len(MODELS)}"]
    reasons = {event["reason"] for event in team.list("events")}
    assert {"Tuning", "Evaluating", "Succeeded"} <= reasons


def test_deletion_takes_the_children_and_keeps_the_store(
    finished: Manifest, team: Kubectl, images: dict[str, str], endpoint: str
) -> None:
    team.delete("ctrexperiment", "troubled")
    selector = "ctrlab.dev/experiment=troubled"
    team.wait(
        "no children",
        lambda: {"status": [team.list(kind, selector) for kind in ("jobs", "pods", "configmaps")]},
        lambda found: not any(found["status"]),
    )
    test_the_report_is_in_the_bucket(finished, team, images, endpoint)
