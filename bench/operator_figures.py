"""Figures of the operator: many experiments at once, reaction times, API requests, overhead over `ctrlab run`.

Run with `PYTHONPATH=tests/support python -m bench.operator_figures`; PostgreSQL and the S3 server are real ones from
wheels. The API server is the tests' own, or with --kubeconfig a real one with controller manager, scheduler and the
CRDs. Not a test: times vary.
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

from bench import operator_scale, operator_way

PARTS = ("way", "overhead", "scale")


def main() -> None:
    """Print each figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--active", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=4, help="finished Jobs of each idle experiment")
    parser.add_argument("--experiments", type=int, default=5, help="one after the other, for the changes of phase")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=60.0, help="of steady state")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # the servers are stopped then, too
    if "way" in given.only:
        with _cluster(given.kubeconfig) as cluster:
            _print_way(operator_way.measure(cluster, given.experiments))
    if "overhead" in given.only:
        with _cluster(given.kubeconfig) as cluster:
            alone, through = operator_way.overhead(cluster)
        print("a small experiment with real training, two processes at a time:")
        _row("by `ctrlab run`", f"{alone:.1f} s", "")
        _row("through the operator", f"{through:.1f} s ({through / alone - 1:+.0%})", "")
    if "scale" in given.only:
        with _cluster(given.kubeconfig) as cluster:
            found = operator_scale.measure(cluster, given.idle, given.active, given.jobs, given.seconds)
        print(f"{given.idle} idle experiments with {given.jobs} Jobs each, {given.active} active ones:")
        _print_scale(found)


def _print_way(way: operator_way.Way) -> None:
    print(f"{len(way.gaps)} changes of phase:")
    found = f"median {statistics.median(way.gaps):.2f} s, worst {way.gaps[-1]:.2f} s"
    _row("from the end of a phase to the next one's Jobs", found, "median < 1 s")
    _row("API requests of an experiment", f"{way.requests:.0f}, {way.pods:.0f} pods", f"< {60 + way.pods:.0f}")


def _print_scale(scale: operator_scale.Scale) -> None:
    _row("start-up to all reconciled", f"{scale.start_seconds:.1f} s ({scale.start_cpu:.1f} s of CPU)", "< 15 s")
    _row("steady CPU", f"{scale.steady_cpu:.1%} of a core", "< 5 %")
    _row("memory", f"{scale.memory:.0f} MiB (peak {scale.peak_memory:.0f})", "< 250 MiB")


def _row(what: str, found: str, goal: str) -> None:
    print(f"  {what:<47} {found:>32}" + (f"   goal {goal}" if goal else ""))


@contextmanager
def _cluster(kubeconfig: Path | None) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as folder, postgres_server() as database, s3_server() as endpoint:
        url = make_url(database())
        proxy = TcpProxy(to_unix_socket(f"{url.query['host']}/.s.PGSQL.5432"))
        made = Cluster(
            Path(folder),
            f"s3://tests/bench-{uuid.uuid4().hex[:8]}",
            endpoint,
            f"postgresql+psycopg://postgres:any@127.0.0.1:{proxy.port}/{url.database}",
            kubeconfig=kubeconfig,
            namespace=f"ctrlab-bench-{uuid.uuid4().hex[:8]}",
        )
        made.start()
        made.add_secrets()
        try:
            yield made
        finally:
            made.stop()
            proxy.close()


if __name__ == "__main__":
    main()
