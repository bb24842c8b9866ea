"""Measure the operator: many experiments at once, latency, API requests, overhead over `ctrlab run`.

Run with `PYTHONPATH=tests/support python -m bench.operator_figures`. PostgreSQL and the S3 server are real servers from
wheels. The API server is the fake one of the tests or, with --kubeconfig, a real one with a controller manager, a
scheduler and the CRDs. This is not a test: times vary.
"""

import argparse
import signal
import statistics
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_cluster.cluster import Cluster
from local_servers.backing_servers import postgres_server, s3_server
from local_servers.tcp_proxy import TcpProxy, to_unix_socket
from sqlalchemy import make_url

from bench import operator_latency, operator_scale

PARTS = ("latency", "overhead", "scale")


def main() -> None:
    """Print each measurement with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--active", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=4, help="finished Jobs of each idle experiment")
    parser.add_argument("--experiments", type=int, default=5, help="number of experiments for the latency")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of the steady state")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # exit normally, which stops the servers
    if "latency" in args.only:
        with _cluster(args.kubeconfig) as cluster:
            _print_latency(operator_latency.measure(cluster, args.experiments))
    if "overhead" in args.only:
        with _cluster(args.kubeconfig) as cluster:
            local, operator = operator_latency.overhead(cluster)
        print("a small experiment with real training, two processes at a time:")
        _row("by `ctrlab run`", f"{local:.1f} s", "")
        _row("through the operator", f"{operator:.1f} s ({operator / local - 1:+.0%})", "")
    if "scale" in args.only:
        with _cluster(args.kubeconfig) as cluster:
            scale = operator_scale.measure(cluster, args.idle, args.active, args.jobs, args.seconds)
        print(f"{args.idle} idle experiments with {args.jobs} Jobs each, {args.active} active ones:")
        _print_scale(scale)


def _print_latency(latency: operator_latency.Latency) -> None:
    print(f"{len(latency.gaps)} phase changes:")
    gaps = f"median {statistics.median(latency.gaps):.2f} s, worst {latency.gaps[-1]:.2f} s"
    _row("from the end of a phase to the Jobs of the next", gaps, "median < 1 s")
    _row(
        "API requests of an experiment",
        f"{latency.requests:.0f}, {latency.pods:.0f} pods",
        f"< {60 + latency.pods:.0f}",
    )


def _print_scale(scale: operator_scale.Scale) -> None:
    _row("start-up to all reconciled", f"{scale.start_seconds:.1f} s ({scale.start_cpu:.1f} s of CPU)", "< 15 s")
    _row("steady CPU", f"{scale.steady_cpu:.1%} of a core", "< 5 %")
    _row("memory", f"{scale.memory:.0f} MiB (peak {scale.peak_memory:.0f})", "< 250 MiB")


def _row(name: str, value: str, goal: str) -> None:
    print(f"  {name:<47} {value:>32}" + (f"   goal {goal}" if goal else ""))


@contextmanager
def _cluster(kubeconfig: Path | None) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as folder, postgres_server() as database, s3_server() as endpoint:
        url = make_url(database())
        proxy = TcpProxy(to_unix_socket(f"{url.query['host']}/.s.PGSQL.5432"))
        cluster = Cluster(
            Path(folder),
            f"s3://tests/bench-{uuid.uuid4().hex[:8]}",
            endpoint,
            f"postgresql+psycopg://postgres:any@127.0.0.1:{proxy.port}/{url.database}",
            kubeconfig=kubeconfig,
            namespace=f"ctrlab-bench-{uuid.uuid4().hex[:8]}",
        )
        cluster.start()
        cluster.add_secrets()
        try:
            yield cluster
        finally:
            cluster.stop()
            proxy.close()


if __name__ == "__main__":
    main()
