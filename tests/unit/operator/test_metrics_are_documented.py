"""docs/operator.md lists every metric of the operator with its labels, and no other."""

import re
from pathlib import Path

from ctrlab_operator.kubernetes_api.object_cache import ObjectCache
from ctrlab_operator.process.prometheus_metrics import Telemetry
from ctrlab_operator.reconciling.work_queue import WorkQueue

PAGE = Path(__file__).parents[3] / "docs" / "operator.md"


def test_the_page_lists_every_metric() -> None:
    telemetry = Telemetry()
    telemetry.add_gauges(ObjectCache(), WorkQueue(), lambda: 0.0)
    collected = [*telemetry.registry.collect()]
    metrics = {metric.name + ("_total" if metric.type == "counter" else "") for metric in collected}
    process_metrics = {name for name in metrics if name.startswith("process_")}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= process_metrics
    page = PAGE.read_text(encoding="utf-8")
    assert "`process_*`" in page
    assert set(re.findall(r"`(ctrlab_\w+)(?:\{[\w,]+\})?`", page)) == metrics - process_metrics
