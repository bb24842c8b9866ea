"""Measure an operator with many experiments: time until all are reconciled, and resource usage in the steady state.

Idle experiments have ended: resources with a status, each with the Jobs of its phases. Active experiments are tuning:
their plan is frozen, their Jobs have running pods, and these pods hold leases of slots in real studies.
"""

import copy
import json
import re
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import psutil
from builders import make_prepared_data, model_spec, small_spec
from fake_cluster.cluster import Cluster
from local_servers.backing_servers import free_ports

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import EXPERIMENT_LABEL, ConditionType, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.plan_freezing import freeze_plan
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, JOB, POD
from ctrlab_operator.kubernetes_api.resource_parsing import parse_experiment
from ctrlab_store import open_store
from ctrlab_study import StudyDatabase, slots
from ctrlab_study.shared_study import study_name

SETTLE_SECONDS = 20.0
WORKERS = 2
MODELS = ("SIN", "DIN", "DeepFM")
LEASE_SECONDS = 24 * 3600.0
TIME = "2026-01-01T00:00:00Z"
DIGEST = "sha256:" + "a" * 64


@dataclass(frozen=True)
class Scale:
    """Resource usage of one operator process."""

    start_seconds: float
    """Seconds from the start of the process until every resource was reconciled once."""
    start_cpu: float
    """CPU seconds until then."""
    steady_cpu: float
    """Share of one core in the steady state."""
    memory: float
    """Resident memory in MiB at the end of the steady state."""
    peak_memory: float


def measure(cluster: Cluster, idle: int, active: int, jobs: int, seconds: float) -> Scale:
    """Measure with `jobs` finished Jobs per idle experiment and `seconds` of steady state."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: _start_tuning(cluster, f"active-{number}"), range(active)))
        _start_pods(cluster, active, pool)
        template = cluster.api.list(JOB, cluster.namespace)[0]
        list(pool.map(lambda number: _finish(cluster, f"idle-{number}", [template] * jobs), range(idle)))
    return _run(cluster, idle + active, seconds)


def _run(cluster: Cluster, experiments: int, seconds: float) -> Scale:
    (port,) = free_ports(1)
    start = time.monotonic()
    process = psutil.Process(cluster.start_operator(CTRLAB_PORT=str(port), CTRLAB_POLL_SECONDS="15").pid)
    cluster.wait(lambda: _is_settled(port, experiments), 300)
    start_seconds, start_cpu = time.monotonic() - start, _cpu(process)
    time.sleep(SETTLE_SECONDS)
    before, moment = _cpu(process), time.monotonic()
    time.sleep(seconds)
    share = (_cpu(process) - before) / (time.monotonic() - moment)
    memory, peak = process.memory_info().rss / 2**20, _peak(process.pid)
    cluster.stop_operator()
    return Scale(start_seconds, start_cpu, share, memory, peak)


def _start_tuning(cluster: Cluster, name: str) -> None:
    """Create an experiment with prepared data, so that tuning is its next phase."""
    learning_rate = {"learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}}}
    models = [model_spec(model, "fm", search=learning_rate) for model in MODELS]
    requested = small_spec(models=models, tuning={"trials": 50, "workers": WORKERS})
    experiment = parse_experiment(json.dumps(cluster.create(name, requested)).encode())
    plan, key = Plan.from_experiment(experiment), _key(experiment)
    store = open_store(cluster.bucket, cluster.store_environment)
    freeze_plan(store, key, plan)
    prepared = make_prepared_data(digest=DIGEST)
    store.below(key.prefix).put(ObjectKey.PREPARED, prepared.to_json().encode())


def _start_pods(cluster: Cluster, active: int, pool: ThreadPoolExecutor) -> None:
    """Start an operator, which creates the Jobs, wait for their pods, and set a permanent running status on them."""
    cluster.kubelet.stop()
    cluster.start_operator()
    pods = cluster.wait(lambda: _if_complete(cluster.pods(), active * len(MODELS) * WORKERS), 600)
    cluster.stop_operator()
    if cluster.jobs is not None:
        cluster.jobs.stop()
    database = StudyDatabase(cluster.database_url)
    list(pool.map(lambda pod: _run_forever(cluster, database, pod), pods))
    database.dispose()


def _run_forever(cluster: Cluster, database: StudyDatabase, pod: Manifest) -> None:
    metadata, running = pod["metadata"], {"running": {"startedAt": TIME}}
    container = {"name": "worker", "image": "", "imageID": "", "ready": True, "restartCount": 0, "state": running}
    status = {"phase": "Running", "containerStatuses": [container]}
    cluster.api.merge(POD, cluster.namespace, f"{metadata['name']}/status", {"status": status})
    body = cluster.experiment(metadata["labels"][EXPERIMENT_LABEL])
    experiment = parse_experiment(json.dumps(body).encode())
    model = next(model for model in MODELS if f"-tune-{model.lower()}-" in metadata["name"])
    key, plan = _key(experiment), Plan.from_experiment(experiment)
    study, base, worker = study_name(key, model), database.database, metadata["name"]
    base.transact(lambda c: slots.create_missing(c, study, key.prefix, model, plan.trial_budget(model)))
    base.transact(lambda c: slots.lease_next(c, study, worker, base.now, LEASE_SECONDS))


def _finish(cluster: Cluster, name: str, jobs: list[Manifest]) -> None:
    """Create a resource with the status Succeeded, and finished copies of these Jobs."""
    experiment = cluster.create(name, small_spec())
    conditions = [
        {
            "type": getattr(ConditionType, kind),
            "status": "True" if kind in TRUE else "False",
            "reason": "Done" if kind in TRUE else "NotYet",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": TIME,
        }
        for kind in sorted(kind for kind in vars(ConditionType) if kind.isupper())
    ]
    line = {"trialsDone": 50, "trialsFailed": 0, "best": "0.81234", "searchDigest": DIGEST}
    models = [{"name": model, **line, "runsDone": 8, "runsFailed": 0} for model in sorted(MODELS)]
    status = {
        "observedGeneration": 1,
        "planDigest": DIGEST,
        "datasetDigest": DIGEST,
        "searchDigest": DIGEST,
        "stage": "Succeeded",
        "trials": "150/150",
        "best": "0.81234",
        "seeds": "8/8",
        "models": models,
        "report": {"uri": f"{cluster.bucket}/{name}/report/abc", "digest": DIGEST},
        "conditions": conditions,
    }
    cluster.api.merge(EXPERIMENT, cluster.namespace, f"{name}/status", {"status": status})
    for number, template in enumerate(jobs):
        _create_finished_job(cluster, experiment, template, f"{name}-{number}")


TRUE = ("READY", "SUCCEEDED", "PREPARED", "TUNING_COMPLETE", "EVALUATION_COMPLETE", "REPORT_PUBLISHED")


def _create_finished_job(cluster: Cluster, owner: Manifest, template: Manifest, name: str) -> None:
    body = copy.deepcopy({"metadata": template["metadata"], "spec": template["spec"]})
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        body["metadata"].pop(field, None)
    body["spec"].pop("selector", None)
    for labels in (body["metadata"]["labels"], body["spec"]["template"]["metadata"]["labels"]):
        for generated in [label for label in labels if "batch.kubernetes.io" in label or "-" in label[:11]]:
            labels.pop(generated)
        labels[EXPERIMENT_LABEL] = owner["metadata"]["name"]
    body["metadata"]["name"] = name
    body["metadata"]["ownerReferences"][0] |= {
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    body["spec"]["managedBy"] = "bench.ctrlab.dev/nobody"
    job = cluster.api.create(JOB, cluster.namespace, body)
    completions = job["spec"]["completions"]
    conditions = [
        {"type": kind, "status": "True", "reason": "Done", "lastProbeTime": TIME, "lastTransitionTime": TIME}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    status = {
        "startTime": TIME,
        "completionTime": TIME,
        "succeeded": completions,
        "completedIndexes": f"0-{completions - 1}" if completions > 1 else "0",
        "conditions": conditions,
    }
    cluster.api.merge(JOB, cluster.namespace, f"{name}/status", {"status": status})


def _key(experiment: Experiment) -> ExperimentKey:
    return ExperimentKey.from_metadata(experiment.metadata)


def _if_complete(pods: list[Manifest], count: int) -> list[Manifest]:
    return pods if len(pods) >= count else []


def _is_settled(port: int, experiments: int) -> bool:
    """Return whether the queue is empty and every resource was reconciled; a key is queued once, so counts suffice."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            text = response.read().decode()
    except (URLError, OSError):
        return False
    values = {name: float(value) for name, value in re.findall(r"^(ctrlab_\w+) (\S+)$", text, re.MULTILINE)}
    return (
        values["ctrlab_reconcile_seconds_count"] >= experiments
        and values["ctrlab_queue_depth"] == 0
        and values["ctrlab_longest_reconcile_seconds"] == 0
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak(pid: int) -> float:
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) / 1024
