"""Requests and limits of worker containers: those of the specification, completed with the installation's defaults.

Every container has requests and limits of CPU and memory, because a ResourceQuota may require them.
"""

from kubernetes.utils.quantity import parse_quantity

from ctrlab_api.resources.runtime import Resources, Runtime
from ctrlab_control.planner import Phase
from ctrlab_operator.kubernetes_api.api_client import Manifest

GPU_PHASES: frozenset[Phase] = frozenset({"tune", "evaluate"})
REPORT_PHASES: frozenset[Phase] = frozenset({"decide", "report"})
"""Phases that run `ctrlab_report` in the operator's image."""
REPORT_DEFAULTS = Resources(requests={"cpu": "500m", "memory": "1Gi"}, limits={"cpu": "2", "memory": "4Gi"})
"""Resources of a report pod; limits of the specification replace these, because they grow with the data as well."""

Amounts = dict[str, str]


def container_resources(runtime: Runtime, phase: Phase, defaults: Resources) -> Manifest:
    """Return the resources of a phase's container; devices are only for phases that compute on them."""
    requests, limits = (_amounts(runtime.resources, name, phase) for name in ("requests", "limits"))
    if phase in REPORT_PHASES:
        requests, limits = _completed({}, dict(REPORT_DEFAULTS.limits or {}) | limits, REPORT_DEFAULTS)
        requests = {name: _smaller(amount, limits[name]) for name, amount in (REPORT_DEFAULTS.requests or {}).items()}
    else:
        requests, limits = _completed(requests, limits, defaults)
    if runtime.gpu and phase in GPU_PHASES:
        limits["nvidia.com/gpu"] = str(runtime.gpu)
    resources = {"requests": requests, "limits": limits}
    return {name: dict(sorted(amounts.items())) for name, amounts in resources.items() if amounts}


def _amounts(resources: Resources | None, name: str, phase: Phase) -> Amounts:
    """Return requests or limits of the specification; names with a slash are devices, such as `amd.com/gpu`."""
    amounts: Amounts = dict(getattr(resources, name) or {}) if resources else {}
    return amounts if phase in GPU_PHASES else {key: amount for key, amount in amounts.items() if "/" not in key}


def _completed(requests: Amounts, limits: Amounts, defaults: Resources) -> tuple[Amounts, Amounts]:
    """Return requests and limits with defaults for what is missing; a limit is never below its request.

    A request is only added if there is no limit either: Kubernetes makes it equal to the limit.
    """
    requests, limits = dict(requests), dict(limits)
    for name, amount in (defaults.requests or {}).items():
        if name not in limits:
            requests.setdefault(name, amount)
    for name, amount in (defaults.limits or {}).items():
        if name not in limits:
            limits[name] = _larger(amount, requests[name]) if name in requests else amount
    return requests, limits


def _smaller(a: str, b: str) -> str:
    return a if parse_quantity(a) <= parse_quantity(b) else b


def _larger(a: str, b: str) -> str:
    return a if parse_quantity(a) >= parse_quantity(b) else b
