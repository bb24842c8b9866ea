"""The environment of a worker: where the store is, and credentials by reference to the Secrets of its namespace.

Each phase gets what it needs: the database is for tuning alone, the key to the sealed test rows for final runs alone.
"""

import math

from ctrlab_api.names import Variable
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import JobRequest
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.worker_volumes import CA_FILE, CACHE_FOLDER, PLAN_FILE, SCRATCH_FOLDER

THREAD_VARIABLES = (Variable.THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment(
    experiment: Experiment, request: JobRequest, storage: ClusterStorage, image: str, has_ca: bool
) -> list[Manifest]:
    """Variables sorted by name; the user's own never replace what the operator sets.

    `image` is for the record: a process cannot find out from which image it was started.
    """
    variables: dict[str, Manifest] = {
        variable.name: {"value": variable.value} for variable in experiment.spec.runtime.env or ()
    }
    variables |= {name: {"value": str(threads(experiment))} for name in THREAD_VARIABLES}
    variables |= {
        Variable.CACHE: {"value": CACHE_FOLDER},
        Variable.IMAGE: {"value": image},
        Variable.NODE: {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        Variable.PLAN: {"value": PLAN_FILE},
        Variable.TERMINATION_LOG: {"value": "/dev/termination-log"},
        Variable.WORKER: {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        "HOME": {"value": SCRATCH_FOLDER},
        "MPLCONFIGDIR": {"value": f"{SCRATCH_FOLDER}/matplotlib"},
        "TMPDIR": {"value": SCRATCH_FOLDER},
    }
    if storage.endpoint:
        variables["AWS_ENDPOINT_URL"] = {"value": storage.endpoint}
    if storage.region:
        variables["AWS_REGION"] = {"value": storage.region}
    if has_ca:
        variables["AWS_CA_BUNDLE"] = {"value": CA_FILE}
    variables |= _credentials(storage.secret)
    if request.phase == "evaluate" and storage.test_secret is not None:
        sealed = _credentials(storage.test_secret)
        variables |= {f"{Variable.SEALED_PREFIX}{name}": value for name, value in sealed.items()}
    if request.phase == "tune":
        variables[Variable.DATABASE_URL] = _from_secret(storage.database_secret, "url")
    return [{"name": name, **variables[name]} for name in sorted(variables)]


def _credentials(secret: str) -> dict[str, Manifest]:
    return {
        "AWS_ACCESS_KEY_ID": _from_secret(secret, "AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": _from_secret(secret, "AWS_SECRET_ACCESS_KEY"),
        "AWS_SESSION_TOKEN": _from_secret(secret, "AWS_SESSION_TOKEN", optional=True),
    }


def threads(experiment: Experiment) -> int:
    """As many as the CPUs that a worker asked for, rounded up; one where it asked for none."""
    resources = experiment.spec.runtime.resources
    wanted = {**(resources.requests or {}), **(resources.limits or {})} if resources else {}
    cpu = wanted.get("cpu", "1")
    return max(1, math.ceil(float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)))


def _from_secret(secret: str, key: str, *, optional: bool = False) -> Manifest:
    reference: Manifest = {"name": secret, "key": key}
    return {"valueFrom": {"secretKeyRef": {**reference, "optional": True} if optional else reference}}
