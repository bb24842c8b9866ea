"""Every handler of kopf, which is the informer here and nothing more: it watches, the controller does the rest.

`on.event` alone: it writes nothing to the objects, no annotation and no finalizer, and it is called for what exists at
the start as well.
"""

from typing import Any

import kopf

from ctrlab_api.names import EXPERIMENT_LABEL, GROUP, VERSION
from ctrlab_operator.controller import Controller
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT, JOB, LEASE, POD, ObjectKind
from ctrlab_operator.process.leader_election import LEASE_LABEL

registry = kopf.OperatorRegistry()

CHUNK = 100
"""Objects of one answer to the first list: kopf gives each a task, and memory that was needed once stays taken."""

IDLE_SECONDS = 0.1
"""For which kopf keeps the task of an object of which nothing is told: at the start there is one for each."""


class NoDiffs(kopf.AnnotationsDiffBaseStorage):
    """Nothing of an object is essential: kopf copies what is and compares it at every event, for handlers that are not
    here. That took a third of its time."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})


@kopf.on.login(registry=registry)
def log_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, or $KUBECONFIG, as the official client finds them."""
    return kopf.login_via_client(**kwargs)


@kopf.on.startup(registry=registry)
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """The server sends only what belongs to an experiment; kopf writes nothing of its own."""
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NoDiffs()
    # In named namespaces it has no right to look for others or for CRDs, and would try for a minute before it begins.
    settings.scanning.disabled = bool(memo.controller.settings.namespaces)
    settings.watching.chunk_size = CHUNK
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.watching.label_selectors["batch", "v1", "jobs"] = EXPERIMENT_LABEL
    settings.watching.label_selectors["", "v1", "pods"] = EXPERIMENT_LABEL
    settings.watching.label_selectors["coordination.k8s.io", "v1", "leases"] = LEASE_LABEL
    memo.controller.start()


@kopf.on.cleanup(registry=registry)
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """SIGTERM: what is going on is finished, nothing new is begun."""
    memo.controller.stop()


@kopf.on.event(GROUP, VERSION, "ctrexperiments", registry=registry)
async def experiment(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """A resource was created, changed or deleted."""
    _tell(memo.controller, EXPERIMENT, type, body)


@kopf.on.event(GROUP, VERSION, "ablations", registry=registry)
async def ablation(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """The same of an ablation."""
    _tell(memo.controller, ABLATION, type, body)


@kopf.on.event("batch", "v1", "jobs", labels={EXPERIMENT_LABEL: kopf.PRESENT}, registry=registry)
async def job(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """A phase has moved."""
    _tell(memo.controller, JOB, type, body)


@kopf.on.event("", "v1", "pods", labels={EXPERIMENT_LABEL: kopf.PRESENT}, registry=registry)
async def pod(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """A worker has started, ended, or cannot start."""
    _tell(memo.controller, POD, type, body)


@kopf.on.event("coordination.k8s.io", "v1", "leases", labels={LEASE_LABEL: kopf.PRESENT}, registry=registry)
async def lease(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Our own Lease's renewals come back: the proof that watches work while nothing else happens."""
    _tell(memo.controller, LEASE, type, body)


def _tell(controller: Controller, kind: ObjectKind, type: str | None, body: kopf.Body) -> None:
    (controller.gone if type == "DELETED" else controller.saw)(kind, body)
