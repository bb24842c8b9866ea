"""Deleting an outdated Job: only in the state in which it was seen without running pods."""

from typing import Any

import pytest
from fake_api_server.in_process_api import InProcessApi

from ctrlab_control.planner import DeleteJob
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import JOB
from ctrlab_operator.reconciling.job_actions import change_job

BODY: dict[str, Any] = {
    "metadata": {"name": "study-tune-fm"},
    "spec": {"parallelism": 1, "completions": 1, "template": {"spec": {}}},
}


@pytest.fixture
def api() -> InProcessApi:
    return InProcessApi()


def test_a_job_that_changed_since_it_was_seen_stays(api: InProcessApi) -> None:
    seen = api.create(JOB, "team", BODY)
    api.merge(JOB, "team", "study-tune-fm", {"metadata": {"annotations": {"a-pod": "started"}}})
    change_job(api, "team", {"tune-fm": seen}, DeleteJob("tune-fm", unless_changed=True))
    assert api.get(JOB, "team", "study-tune-fm")["metadata"]["uid"] == seen["metadata"]["uid"]


def test_a_job_that_did_not_change_is_deleted(api: InProcessApi) -> None:
    seen = api.create(JOB, "team", BODY)
    change_job(api, "team", {"tune-fm": seen}, DeleteJob("tune-fm", unless_changed=True))
    with pytest.raises(ApiError, match="not found"):
        api.get(JOB, "team", "study-tune-fm")


def test_suspending_deletes_a_job_even_if_it_changed(api: InProcessApi) -> None:
    seen = api.create(JOB, "team", BODY)
    api.merge(JOB, "team", "study-tune-fm", {"metadata": {"annotations": {"a-pod": "started"}}})
    change_job(api, "team", {"tune-fm": seen}, DeleteJob("tune-fm"))
    with pytest.raises(ApiError, match="not found"):
        api.get(JOB, "team", "study-tune-fm")
