"""The kopf handlers: kopf only watches, and passes every event to the controller.

All handlers are `on.event` handlers: kopf then writes neither annotations nor finalizers to the objects, and also calls
the handlers for objects that exist at startup.
"""

from typing import Any

import kopf

from ctrlab_api.names import EXPERIMENT_LABEL, GROUP, VERSION
from ctrlab_operator.controller import Controller
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT, JOB, LEASE, POD, ObjectKind
from ctrlab_operator.process.leader_election import LEASE_LABEL

registry = kopf.OperatorRegistry()

CHUNK_SIZE = 100
"""Objects in one response to the initial list: kopf starts a task for each, and Python never returns peak memory."""

IDLE_SECONDS = 0.1
"""Seconds after which kopf ends the task of an object without events; at startup there is one task per object."""


class NoDiffStorage(kopf.AnnotationsDiffBaseStorage):
    """Disables kopf's diffs, which are for change handlers, and there are none here.

    Copying and comparing the object at every event took a third of kopf's time.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence."""
        return kopf.BodyEssence({})


@kopf.on.login(registry=registry)
def log_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """Log in with the pod's service account or $KUBECONFIG, as the official client does."""
    return kopf.login_via_client(**kwargs)


@kopf.on.startup(registry=registry)
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Restrict the watches to objects of experiments, keep kopf from writing, and start the controller."""
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NoDiffStorage()
    # With Roles only, the operator may list neither namespaces nor CRDs, and kopf would retry for a minute at startup.
    settings.scanning.disabled = bool(memo.controller.settings.namespaces)
    settings.watching.chunk_size = CHUNK_SIZE
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.watching.label_selectors["batch", "v1", "jobs"] = EXPERIMENT_LABEL
    settings.watching.label_selectors["", "v1", "pods"] = EXPERIMENT_LABEL
    settings.watching.label_selectors["coordination.k8s.io", "v1", "leases"] = LEASE_LABEL
    memo.controller.start()


@kopf.on.cleanup(registry=registry)
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Stop the controller after SIGTERM: running reconciles finish, no new one starts."""
    memo.controller.stop()


@kopf.on.event(GROUP, VERSION, "ctrexperiments", registry=registry)
async def experiment(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Experiment event."""
    _forward(memo.controller, EXPERIMENT, type, body)


@kopf.on.event(GROUP, VERSION, "ablations", registry=registry)
async def ablation(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Ablation event."""
    _forward(memo.controller, ABLATION, type, body)


@kopf.on.event("batch", "v1", "jobs", labels={EXPERIMENT_LABEL: kopf.PRESENT}, registry=registry)
async def job(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Job event: a phase progressed or ended."""
    _forward(memo.controller, JOB, type, body)


@kopf.on.event("", "v1", "pods", labels={EXPERIMENT_LABEL: kopf.PRESENT}, registry=registry)
async def pod(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Pod event: a worker started, ended, or cannot start."""
    _forward(memo.controller, POD, type, body)


@kopf.on.event("coordination.k8s.io", "v1", "leases", labels={LEASE_LABEL: kopf.PRESENT}, registry=registry)
async def lease(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Lease event: the operator's own renewals prove that watches work while nothing else happens."""
    _forward(memo.controller, LEASE, type, body)


def _forward(controller: Controller, kind: ObjectKind, type: str | None, body: kopf.Body) -> None:
    (controller.object_deleted if type == "DELETED" else controller.object_changed)(kind, body)
