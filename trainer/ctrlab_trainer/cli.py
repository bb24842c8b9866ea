"""`ctrlab-trainer`: the commands that a worker process runs.

Workers get the store and the experiment's key as arguments; the plan is read from the store. Modules that need torch
are imported by the commands that train, so that preparing data starts fast and in little memory.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ctrlab_api.errors import InvalidInput, InvalidSpec, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.loading.resource_loading import load_manifests
from ctrlab_api.names import ExitCode, ObjectKey, Variable
from ctrlab_api.plan import FinalRun, Plan, RunGroup
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import Store, open_store
from ctrlab_trainer.process import failures
from ctrlab_trainer.process.termination import Termination

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (`names.ExitCode`, or 1 where a retry may help)."""
    given = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except Exception as error:
        code = failures.report_failure(error)
        return ExitCode.INVALID_INPUT if given.interactive and isinstance(error, InvalidInput) else code


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="ctrlab-trainer", description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _worker(commands.add_parser("prepare", help="encode the data set into the store"), _prepare)
    tune = _worker(commands.add_parser("tune", help="work on the search of one variant"), _tune)
    evaluate = _worker(commands.add_parser("evaluate", help="make final runs: one, or a batch of seeds"), _evaluate)
    verify = _worker(commands.add_parser("verify", help="train a finished run again and compare the model"), _verify)
    replay = _worker(commands.add_parser("replay", help="train trials of a frozen search again and compare"), _replay)
    _worker(commands.add_parser("calibrate", help="time a few batches of each variant; JSON"), _calibrate)
    tune.add_argument("--variant", required=True)
    replay.add_argument("--variant", required=True)
    replay.add_argument("--trials", type=int, help="how many of the best (default: all)")
    evaluate.add_argument("--variant", help=f"with --seed; without both the runs of ${INDEX_VARIABLE}")
    evaluate.add_argument("--seed", type=int, help="with --variant; others of its batch are made, too")
    evaluate.add_argument("--seed-count", type=int, help="seeds per variant; the plan's unless given")
    evaluate.add_argument(
        "--first-index", type=int, default=0, help="final run, or batch of them, of index 0 (default 0)"
    )
    verify.add_argument("--variant", required=True)
    verify.add_argument("--seed", type=int, required=True)
    fetch_dataset = commands.add_parser("fetch", help="get a known data set")
    fetch_dataset.add_argument("name")
    fetch_dataset.add_argument("--into", type=Path, help="folder of data sets (default: the cache)")
    fetch_dataset.set_defaults(run=_fetch, interactive=True)
    inspect_dataset = commands.add_parser(
        "inspect", help="what the models will see of the data of a specification; JSON"
    )
    inspect_dataset.add_argument("file", type=Path, help="YAML file with one CTRExperiment")
    inspect_dataset.set_defaults(run=_inspect, interactive=True)
    encode = commands.add_parser("encode", help="encode the data set of a specification into a store; JSON")
    encode.add_argument("file", type=Path, help="YAML file with one CTRExperiment")
    encode.add_argument("--store", required=True, help="root of the artifact store")
    encode.add_argument("--scheduler", help="address of a Dask scheduler whose workers read the source")
    encode.set_defaults(run=_encode, interactive=True)
    return top


def _worker(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command.add_argument(
        "--store", required=True, help="root of the artifact store: file:///folder or s3://bucket/prefix"
    )
    command.add_argument("--experiment", required=True, type=_key, help="NAMESPACE/NAME/UID")
    command.set_defaults(run=run, interactive=False)
    return command


def _prepare(given: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.data.preparation.dataset_preparation import prepare

    store, plan = _open(given)
    prepare(plan, store, given.experiment)
    return ExitCode.SUCCESS


def _tune(given: argparse.Namespace) -> int:
    termination = Termination()
    store, plan = _open(given)
    database = os.environ.get(Variable.DATABASE_URL)
    if not database:
        raise InvalidSpec([Problem(Variable.DATABASE_URL, "tuning needs the URL of the study database")])
    _known_variant(plan, given.variant)
    from ctrlab_trainer.process.resource_usage import worker_name
    from ctrlab_trainer.tuning.tuning_worker import tune

    termination.wait_for_work()
    tune(plan, given.experiment, store, database, given.variant, worker_name(), stop=termination.asked)
    return ExitCode.SUCCESS


def _evaluate(given: argparse.Namespace) -> int:
    Termination()
    store, plan = _open(given)
    group = run_group(plan, given.variant, given.seed, given.seed_count, given.first_index)
    from ctrlab_trainer.finals.final_runs import evaluate

    for record in evaluate(plan, given.experiment, store, group[0].variant, [run.seed for run in group]):
        print(f"{record.variant}, seed {record.seed}, attempt {record.attempt}: {record.state}")
    return ExitCode.SUCCESS


def _verify(given: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.finals.verification import verify

    store, plan = _open(given)
    _known_variant(plan, given.variant)
    found = verify(plan, given.experiment, store, given.variant, given.seed)
    print(found)
    return ExitCode.SUCCESS if found.equal else ExitCode.RUN_FAILED


def _replay(given: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.tuning.trial_replay import replay

    store, plan = _open(given)
    _known_variant(plan, given.variant)
    equal = True
    for found in replay(plan, given.experiment, store, given.variant, given.trials):
        equal = equal and found.equal
        values = f"{len(found.recorded)} epochs recorded, {len(found.repeated)} repeated"
        print(f"search {found.search}, trial {found.trial}: {values}: {'bit-equal' if found.equal else 'different'}")
    return ExitCode.SUCCESS if equal else ExitCode.RUN_FAILED


def _calibrate(given: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.training.throughput import calibrate

    store, plan = _open(given)
    print(calibrate(plan, given.experiment, store).to_json(), end="")
    return ExitCode.SUCCESS


def _fetch(given: argparse.Namespace) -> int:
    from ctrlab_trainer.data.sources.dataset_fetching import FetchFailed, fetch_dataset

    try:
        fetched = fetch_dataset(given.name, given.into)
    except FetchFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.RETRY
    print(f"{fetched.folder} ({fetched.origin})")
    return ExitCode.SUCCESS


def _inspect(given: argparse.Namespace) -> int:
    from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

    experiment = _experiment(given.file)
    print(inspect_dataset(experiment.spec.dataset, experiment.metadata.name).to_json(), end="")
    return ExitCode.SUCCESS


def _encode(given: argparse.Namespace) -> int:
    from ctrlab_trainer.data.preparation.dataset_preparation import prepare_dataset

    dataset, store = _experiment(given.file).spec.dataset, open_store(given.store)
    if given.scheduler is None:
        record = prepare_dataset(dataset, store)
    else:
        try:
            from ctrlab_trainer.data.preparation.dask_encoding import DaskEncoder, connect
        except ModuleNotFoundError as error:
            raise InvalidSpec([Problem("--scheduler", f"{error}; install it: pip install 'ctrlab[dask]'")]) from error
        with connect(given.scheduler) as client:
            record = prepare_dataset(dataset, store, DaskEncoder(client))
    print(record.to_json(), end="")
    return ExitCode.SUCCESS


def _experiment(file: Path) -> Experiment:
    experiments = [found for found in load_manifests(file) if isinstance(found, Experiment)]
    if len(experiments) != 1:
        raise InvalidSpec([Problem(str(file), f"expected one CTRExperiment, found {len(experiments)}")])
    return experiments[0]


def run_group(plan: Plan, variant: str | None, seed: int | None, seed_count: int | None, first_index: int) -> RunGroup:
    """The runs of the process that makes the named one, or those of this process's index; InvalidSpec for one that the
    plan does not have. A seed beyond the planned ones is in a batch of its own unless `seed_count` reaches it."""
    groups = plan.run_groups(seed_count)
    if variant is not None and seed is not None:
        _known_variant(plan, variant)
        if seed not in {run.seed for run in plan.final_runs(plan.evaluation.seeds.max)}:
            raise InvalidSpec([Problem("--seed", f"the plan has no seed {seed}")])
        named = FinalRun(variant=variant, seed=seed)
        return next((group for group in groups if named in group), (named,))
    index = os.environ.get(INDEX_VARIABLE, "")
    if not index.isdigit():
        message = f"give --variant and --seed, or set {INDEX_VARIABLE} to a number (found {index!r})"
        raise InvalidSpec([Problem("evaluate", message)])
    place = first_index + int(index)
    if place >= len(groups):
        what = "final runs" if plan.evaluation.execution_mode == "plain" else "batches of final runs"
        raise InvalidSpec([Problem(INDEX_VARIABLE, f"the plan has {len(groups)} {what}, there is no index {place}")])
    return groups[place]


def _known_variant(plan: Plan, name: str) -> None:
    if name not in plan.names:
        raise InvalidSpec([Problem("--variant", f"the plan has no variant {name!r}; known: {', '.join(plan.names)}")])


def _open(given: argparse.Namespace) -> tuple[Store, Plan]:
    store = open_store(given.store)
    key: ExperimentKey = given.experiment
    handed = os.environ.get(Variable.PLAN)
    plan = Path(handed).read_bytes() if handed else store.below(key.prefix).get(ObjectKey.PLAN)
    return store, Plan.model_validate_json(plan)


def _key(text: str) -> ExperimentKey:
    try:
        return ExperimentKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
