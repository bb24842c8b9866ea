"""Rules of the CRDs on a real API server; needs CTRLAB_TEST_KUBECONFIG and the CRDs, but no operator and no node.

The chart installs the CRDs if CTRLAB_E2E_OPERATOR_IMAGE names an image; otherwise apply `crds/` first.
"""

import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from builders import small_spec
from fake_cluster.cluster import NAMESPACES
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT

KUBECONFIG = os.environ.get("CTRLAB_TEST_KUBECONFIG")
pytestmark = pytest.mark.skipif(not KUBECONFIG, reason="CTRLAB_TEST_KUBECONFIG names no API server")

DIGEST = f"sha256:{'0' * 64}"
ATTEMPTS = 20


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest) -> HttpKubernetesApi:
    """A client of the API server."""
    if os.environ.get("CTRLAB_E2E_OPERATOR_IMAGE"):
        request.getfixturevalue("system")
    configuration = kubernetes_client.Configuration()
    kubernetes_config.load_kube_config(KUBECONFIG, client_configuration=configuration)
    return HttpKubernetesApi(kubernetes_client.ApiClient(configuration))


@pytest.fixture(scope="module")
def namespace(api: HttpKubernetesApi) -> Iterator[str]:
    name = f"ctrlab-rules-{uuid.uuid4().hex[:8]}"
    created = api.create(NAMESPACES, "", {"metadata": {"name": name}})
    yield name
    api.delete(NAMESPACES, "", name, created["metadata"]["uid"])


def frozen_experiment(api: HttpKubernetesApi, namespace: str) -> str:
    """Create an experiment whose status has a plan digest, and return its name."""
    name = f"study-{uuid.uuid4().hex[:8]}"
    api.create(EXPERIMENT, namespace, {"metadata": {"name": name}, "spec": small_spec()})
    status = {"metadata": {"name": name}, "status": {"planDigest": DIGEST, "stage": "Tuning"}}
    api.apply(EXPERIMENT, namespace, status, force=True, subresource="status")
    return name


def rejection_of(api: HttpKubernetesApi, namespace: str, change: dict[str, Any]) -> ApiError:
    """Return the error of a change, with retries: a running operator finds no plan and may remove the digest first."""
    for _ in range(ATTEMPTS):
        name = frozen_experiment(api, namespace)
        try:
            api.merge(EXPERIMENT, namespace, name, {"spec": change})
        except ApiError as error:
            return error
    pytest.fail(f"{change} was accepted {ATTEMPTS} times")


@pytest.mark.parametrize("change", [{"suspend": True}, {"tuning": {"workers": 7}}, {"tuning": {"trials": 99}}])
def test_fields_that_do_not_affect_the_result_may_change(
    api: HttpKubernetesApi, namespace: str, change: dict[str, Any]
) -> None:
    name = frozen_experiment(api, namespace)
    assert api.merge(EXPERIMENT, namespace, name, {"spec": change})["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"tuning": {"trials": 7}},
        {"evaluation": {"seeds": {"count": 6}}},
        {"models": [{"name": "LR", "architecture": "lr"}]},
        {"dataset": {"split": {"seed": 99}}},
        {"dataset": {"time": "other"}},
        {"dataset": {"time": {"column": "other", "unit": "s"}}},
    ],
)
def test_changing_a_frozen_plan_is_rejected_with_advice(
    api: HttpKubernetesApi, namespace: str, change: dict[str, Any]
) -> None:
    error = rejection_of(api, namespace, change)
    assert error.status == 422
    assert "once the plan is frozen" in error.message


def test_too_few_seeds_are_rejected_at_creation(api: HttpKubernetesApi, namespace: str) -> None:
    body = {"metadata": {"name": "few"}, "spec": small_spec(evaluation={"seeds": {"count": 4}})}
    with pytest.raises(ApiError, match=r"spec\.evaluation\.seeds\.count"):
        api.create(EXPERIMENT, namespace, body)


@pytest.mark.parametrize("field", ["serviceAccountName", "hostPath", "securityContext"])
def test_privileges_are_not_fields_of_the_specification(api: HttpKubernetesApi, namespace: str, field: str) -> None:
    body = {
        "metadata": {"name": f"study-{uuid.uuid4().hex[:8]}"},
        "spec": small_spec(runtime={field: "admin", "gpu": 1}),
    }
    created = api.create(EXPERIMENT, namespace, body)
    assert created["spec"]["runtime"]["gpu"] == 1
    assert field not in created["spec"]["runtime"]


@pytest.mark.skipif(not os.environ.get("CTRLAB_E2E_OPERATOR_IMAGE"), reason="the chart installs the admission policy")
@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "X", "architecture": "sinn"}, "unknown architecture sinn; known: "),
        ({"name": "X", "architecture": "deepfm", "parameters": {"droput": "0.1"}}, "does not know; known: "),
        ({"name": "X", "architecture": "deepfm", "parameters": {"dropout": "1.5"}}, "model X has a parameter outside"),
        (
            {"name": "X", "architecture": "deepfm", "search": {"dropout": {"float": {"low": "0.1", "high": "1.5"}}}},
            "model X tunes a parameter outside",
        ),
    ],
    ids=["architecture", "parameter", "value", "range"],
)
def test_a_model_that_its_architecture_does_not_allow_is_refused(
    api: HttpKubernetesApi, namespace: str, model: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        create_until_refused(api, namespace, small_spec(models=[model], suspend=True))
    assert message in refused.value.message


def create_until_refused(api: HttpKubernetesApi, namespace: str, spec: dict[str, Any]) -> None:
    """Create an experiment several times, because a new policy takes a moment to be enforced."""
    for _ in range(ATTEMPTS):
        name = f"model-{uuid.uuid4().hex[:8]}"
        created = api.create(EXPERIMENT, namespace, {"metadata": {"name": name}, "spec": spec})
        api.delete(EXPERIMENT, namespace, name, created["metadata"]["uid"])
        time.sleep(1)


@pytest.mark.skipif(not os.environ.get("CTRLAB_E2E_OPERATOR_IMAGE"), reason="the chart installs the admission policy")
def test_an_image_of_the_user_may_register_an_architecture(api: HttpKubernetesApi, namespace: str) -> None:
    model = {"name": "Mine", "architecture": "mine", "parameters": {"anything": 3}}
    spec = small_spec(models=[model], suspend=True, runtime={"image": "mine:1"})
    created = api.create(EXPERIMENT, namespace, {"metadata": {"name": "mine"}, "spec": spec})
    api.delete(EXPERIMENT, namespace, "mine", created["metadata"]["uid"])


@pytest.mark.parametrize(
    "time",
    ["timestamp", {"column": "timestamp", "format": "%d/%m/%Y", "timezone": "Europe/Berlin"}],
    ids=["name", "object"],
)
def test_both_forms_of_the_time_column_are_stored_as_written(
    api: HttpKubernetesApi, namespace: str, time: str | dict[str, str]
) -> None:
    name = f"time-{uuid.uuid4().hex[:8]}"
    body = {"metadata": {"name": name}, "spec": spec_with_time(time)}
    applied = api.apply(EXPERIMENT, namespace, body, force=False)
    assert applied["spec"]["dataset"]["time"] == time
    assert api.get(EXPERIMENT, namespace, name)["spec"]["dataset"]["time"] == time
    api.delete(EXPERIMENT, namespace, name, applied["metadata"]["uid"])


@pytest.mark.skipif(not os.environ.get("CTRLAB_E2E_OPERATOR_IMAGE"), reason="the chart installs the admission policy")
@pytest.mark.parametrize(
    ("time", "message"),
    [
        (None, "spec.dataset: time is required for a Temporal or UserColdStart split"),
        (7, "spec.dataset.time: time is the name of a column, or an object"),
        ({"column": "timestamp", "units": "s"}, "spec.dataset.time: the fields of time are column, format, unit and"),
        ({"column": "timestamp", "format": "dd/mm"}, "spec.dataset.time: format is a strptime pattern"),
    ],
    ids=["missing", "number", "field", "format"],
)
def test_a_time_column_that_is_missing_or_declared_wrongly_is_refused(
    api: HttpKubernetesApi, namespace: str, time: object, message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        create_until_refused(api, namespace, spec_with_time(time))
    assert message in refused.value.message


def spec_with_time(time: object) -> dict[str, Any]:
    """Return a suspended experiment with a Temporal split and this time column."""
    spec = small_spec(suspend=True)
    return spec | {"dataset": spec["dataset"] | {"split": {"strategy": "Temporal"}, "time": time}}
