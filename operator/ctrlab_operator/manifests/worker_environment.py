"""Environment variables of a worker pod: the store, and credentials by reference to the Secrets of its namespace.

Each phase gets the credentials that it needs: only tuning gets the database, and only final runs get the key to the
sealed test rows.
"""

import math

from ctrlab_api.names import Variable
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import JobRequest
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.worker_volumes import CA_FILE, CACHE_FOLDER, PLAN_FILE, SCRATCH_FOLDER

THREAD_VARIABLES = (Variable.THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def worker_environment(
    experiment: Experiment, request: JobRequest, storage: ClusterStorage, image: str, has_ca_certificate: bool
) -> list[Manifest]:
    """Return the variables sorted by name; those of the user never replace those of the operator.

    `image` is passed for the record: a process cannot determine the image that it was started from.
    """
    variables: dict[str, Manifest] = {
        variable.name: {"value": variable.value} for variable in experiment.spec.runtime.env or ()
    }
    variables |= {name: {"value": str(thread_count(experiment))} for name in THREAD_VARIABLES}
    variables |= {
        Variable.CACHE: {"value": CACHE_FOLDER},
        Variable.IMAGE: {"value": image},
        Variable.NODE: _from_pod_field("spec.nodeName"),
        Variable.PLAN: {"value": PLAN_FILE},
        Variable.TERMINATION_LOG: {"value": "/dev/termination-log"},
        Variable.WORKER: _from_pod_field("metadata.name"),
        "HOME": {"value": SCRATCH_FOLDER},
        "MPLCONFIGDIR": {"value": f"{SCRATCH_FOLDER}/matplotlib"},
        "TMPDIR": {"value": SCRATCH_FOLDER},
    }
    if storage.endpoint:
        variables["AWS_ENDPOINT_URL"] = {"value": storage.endpoint}
    if storage.region:
        variables["AWS_REGION"] = {"value": storage.region}
    if has_ca_certificate:
        variables["AWS_CA_BUNDLE"] = {"value": CA_FILE}
    variables |= _credentials(storage.storage_secret)
    if request.phase == "evaluate" and storage.test_secret is not None:
        sealed = _credentials(storage.test_secret)
        variables |= {f"{Variable.SEALED_PREFIX}{name}": value for name, value in sealed.items()}
    if request.phase == "tune":
        variables[Variable.DATABASE_URL] = _from_secret(storage.database_secret, "url")
    return [{"name": name, **variables[name]} for name in sorted(variables)]


def thread_count(experiment: Experiment) -> int:
    """Return the number of CPUs that a worker pod requests (or its limit), rounded up; 1 if it requests none."""
    resources = experiment.spec.runtime.resources
    amounts = {**(resources.requests or {}), **(resources.limits or {})} if resources else {}
    cpu = amounts.get("cpu", "1")
    return max(1, math.ceil(float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)))


def _credentials(secret: str) -> dict[str, Manifest]:
    return {
        "AWS_ACCESS_KEY_ID": _from_secret(secret, "AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": _from_secret(secret, "AWS_SECRET_ACCESS_KEY"),
        "AWS_SESSION_TOKEN": _from_secret(secret, "AWS_SESSION_TOKEN", optional=True),
    }


def _from_pod_field(path: str) -> Manifest:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def _from_secret(secret: str, key: str, *, optional: bool = False) -> Manifest:
    reference: Manifest = {"name": secret, "key": key}
    return {"valueFrom": {"secretKeyRef": {**reference, "optional": True} if optional else reference}}
