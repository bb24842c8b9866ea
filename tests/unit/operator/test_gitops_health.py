"""Statuses as Flux, which follows kstatus, and Argo CD, which runs a Lua script, understand them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import celpy
import lupa
import pytest
import yaml
from builders import make_facts, make_prepared_data, make_small_experiment, make_tuned_facts
from celpy.adapter import json_to_cel

from ctrlab_api.crd.crd_definitions import KINDS, UNSEEN_STATUS
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus
from ctrlab_control.planner import Facts, JobFacts, Outage, decide
from ctrlab_operator.kubernetes_api.resource_parsing import status_json
from ctrlab_operator.reconciling.blocked_status import blocked_status, status_with_note

FILES = Path(__file__).parents[3] / "charts/ctrlab/files/gitops"
PREPARED = make_prepared_data()
GENERATION = 3
NOW = "2026-01-02T03:04:05Z"


def kstatus(resource: dict[str, Any]) -> str:
    """Return the status by `Compute` of cli-utils, pkg/kstatus/status, for a kind without rules of its own."""
    if "deletionTimestamp" in resource["metadata"]:
        return "Terminating"
    status = resource.get("status", {})
    if status.get("observedGeneration", resource["metadata"]["generation"]) != resource["metadata"]["generation"]:
        return "InProgress"
    for condition in status.get("conditions", ()):
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return "InProgress"
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return "Failed"
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready" and condition["status"] != "True":
            return "InProgress"
    return "Current"


def argo_health(resource: dict[str, Any]) -> tuple[str, str]:
    """Return health status and message of the chart's Lua script."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(resource, recursive=True)
    health = lua.execute((FILES / "argocd-health.lua").read_text(encoding="utf-8"))
    return str(health["status"]), str(health["message"])


def flux_health(kind: str, resource: dict[str, Any]) -> str:
    """Return the status by the expressions of the chart, in the order in which Flux evaluates them."""
    checks = yaml.safe_load((FILES / "flux-health-checks.yaml").read_text(encoding="utf-8"))["healthCheckExprs"]
    (check,) = [check for check in checks if check["kind"] == kind]
    variables: Any = json_to_cel(json.loads(json.dumps({"status": {}, **resource})))
    environment = celpy.Environment()
    for status in ("inProgress", "failed", "current"):
        if environment.program(environment.compile(check[status])).evaluate(variables):
            return status
    return "unknown"


def status_of(facts: Facts) -> dict[str, Any]:
    return status_json(decide(facts).status)


def blocked(reason: str) -> dict[str, Any]:
    base = decide(make_facts(experiment(), prepared=PREPARED)).status
    return status_json(blocked_status(base, base, GENERATION, NOW, reason, "what is wrong; what to do"))


def experiment(**spec: Any) -> Any:
    return make_small_experiment(metadata={"generation": GENERATION}, **spec)


def seen(status: ExperimentStatus) -> dict[str, Any]:
    return status_json(status)


WORKING = decide(make_facts(experiment(), prepared=PREPARED)).status
OUTDATED = {"tune-fm": JobFacts("Active", 2, is_outdated=True, running=2)}
REPORT = ReportStatus(uri="s3://b/r", digest="d", page="s3://b/r/report.html", conclusion="FM beats LR.")
REPORTED = make_tuned_facts(experiment(), report=REPORT, jobs={"report": JobFacts("Complete")})
RUN_LOST = {"evaluate": JobFacts("Failed", failed_indexes=frozenset({0})), "report": JobFacts("Complete")}
STATUSES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "never seen": (dict(UNSEEN_STATUS), "InProgress", "Progressing", "inProgress"),
    "an older generation": (
        seen(WORKING.model_copy(update={"observed_generation": GENERATION - 1})),
        "InProgress",
        "Progressing",
        "inProgress",
    ),
    "preparing": (status_of(make_facts(experiment())), "Current", "Progressing", "inProgress"),
    "tuning": (seen(WORKING), "Current", "Progressing", "inProgress"),
    "one job refused, another running": (
        seen(status_with_note(WORKING, "no pod of Job x can be created: exceeded quota")),
        "Current",
        "Progressing",
        "inProgress",
    ),
    "a change not applied": (
        status_of(make_facts(experiment(), prepared=PREPARED, jobs=OUTDATED)),
        "InProgress",
        "Progressing",
        "inProgress",
    ),
    "database away": (blocked("DatabaseUnavailable"), "InProgress", "Progressing", "inProgress"),
    "workers wait for the store": (
        status_of(make_facts(experiment(), jobs={"prepare": JobFacts("Active", outage=Outage("s3://b", NOW))})),
        "InProgress",
        "Progressing",
        "inProgress",
    ),
    "lost runs": (
        status_of(replace(REPORTED, runs=frozenset(REPORTED.plan.final_runs()[1:]), jobs=RUN_LOST)),
        "Failed",
        "Degraded",
        "failed",
    ),
    "store away": (blocked("StoreUnavailable"), "InProgress", "Progressing", "inProgress"),
    "queued": (blocked("Queued"), "InProgress", "Progressing", "inProgress"),
    "no free node": (blocked("Unschedulable"), "InProgress", "Progressing", "inProgress"),
    "quota in use": (blocked("QuotaExceeded"), "InProgress", "Progressing", "inProgress"),
    "a missing queue": (blocked("QueueMissing"), "Failed", "Degraded", "failed"),
    "a missing Secret": (blocked("SecretMissing"), "Failed", "Degraded", "failed"),
    "a bad image": (blocked("PodsCannotStart"), "Failed", "Degraded", "failed"),
    "suspended": (
        status_of(make_facts(experiment(suspend=True), prepared=PREPARED)),
        "Current",
        "Suspended",
        "inProgress",
    ),
    "failed": (
        status_of(make_facts(experiment(), jobs={"prepare": JobFacts("Failed", message="no file")})),
        "Failed",
        "Degraded",
        "failed",
    ),
}


def resource(status: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "study", "generation": GENERATION}, "status": status}


@pytest.mark.parametrize("name", STATUSES)
def test_flux_and_argo_cd_understand_the_status(name: str) -> None:
    status, expected_kstatus, expected_argo, expected_flux = STATUSES[name]
    assert kstatus(resource(status)) == expected_kstatus
    assert argo_health(resource(status))[0] == expected_argo
    for kind in KINDS:
        assert flux_health(kind.kind, resource(status)) == expected_flux


def test_a_report_is_current_and_healthy_and_its_conclusion_is_the_message() -> None:
    runs = frozenset(REPORTED.plan.final_runs())
    status = status_of(replace(REPORTED, runs=runs))
    assert kstatus(resource(status)) == "Current"
    assert argo_health(resource(status)) == (
        "Healthy",
        "Succeeded: FM beats LR. The report is at s3://b/r/report.html",
    )
    assert flux_health("CTRExperiment", resource(status)) == "current"


def test_a_resource_without_a_status_is_in_progress_for_argo_cd() -> None:
    assert argo_health({"metadata": {"generation": 1}})[0] == "Progressing"


def test_a_resource_that_is_deleted_is_terminating() -> None:
    body = resource(seen(WORKING))
    body["metadata"]["deletionTimestamp"] = NOW
    assert kstatus(body) == "Terminating"
