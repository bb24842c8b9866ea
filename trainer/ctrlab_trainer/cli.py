"""`ctrlab-trainer`: the commands that a worker process runs.

Workers get the store and the experiment's key as arguments and read the plan from the store. The commands that train
import the modules that need torch, so that preparing data starts fast and in little memory.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ctrlab_api.errors import InvalidInput, InvalidSpec, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.job_indexes import parse_indexes
from ctrlab_api.loading.resource_loading import load_manifests
from ctrlab_api.names import ExitCode, ObjectKey, Variable
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import Store, WaitingStore, open_store
from ctrlab_trainer.finals.run_selection import INDEX_VARIABLE, require_variant, select_run_group
from ctrlab_trainer.process.failures import report_failure
from ctrlab_trainer.process.termination import Termination
from ctrlab_trainer.process.worker_identity import worker_name

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
"""Suffixes of files with resources; `inspect` takes any other file as data."""

ROLES = ("label", "user", "item", "time")
"""Roles of columns that a user may name for a proposal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`names.ExitCode`)."""
    args = argument_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except Exception as error:
        code = report_failure(error)
        return ExitCode.INVALID_INPUT if args.interactive and isinstance(error, InvalidInput) else code


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands and their arguments."""
    top = argparse.ArgumentParser(prog="ctrlab-trainer", description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_worker_arguments(commands.add_parser("prepare", help="encode the data set into the store"), _prepare)
    sources = commands.add_parser("sources", help="print the files of the data set as they are now, with digests; JSON")
    _add_worker_arguments(sources, _sources)
    tune = commands.add_parser("tune", help="run trials of one variant until its study is frozen")
    evaluate = commands.add_parser("evaluate", help="train final runs: one, or a batch of seeds")
    verify = commands.add_parser("verify", help="repeat the training of a finished run and compare the model")
    replay = commands.add_parser("replay", help="repeat trials of a frozen study and compare their curves")
    calibrate = commands.add_parser("calibrate", help="time a few batches of each variant; JSON")
    _add_worker_arguments(tune, _tune)
    _add_worker_arguments(evaluate, _evaluate)
    _add_worker_arguments(verify, _verify)
    _add_worker_arguments(replay, _replay)
    _add_worker_arguments(calibrate, _calibrate)
    tune.add_argument("--variant", required=True)
    replay.add_argument("--variant", required=True)
    replay.add_argument("--trials", type=int, help="number of trials, the best first (default: all)")
    evaluate.add_argument("--variant", help=f"with --seed; without both, the runs of ${INDEX_VARIABLE}")
    evaluate.add_argument("--seed", type=int, help="with --variant; the other seeds of its batch are trained, too")
    evaluate.add_argument("--seed-count", type=int, help="seeds per variant (default: as planned)")
    evaluate.add_argument(
        "--first-index", type=int, default=0, help="final run, or batch of final runs, of index 0 (default 0)"
    )
    evaluate.add_argument(
        "--indexes",
        type=_parse_indexes,
        help="the indexes, such as 0,3-5, of which index N names the Nth (default: all)",
    )
    verify.add_argument("--variant", required=True)
    verify.add_argument("--seed", type=int, required=True)
    fetch_dataset = commands.add_parser("fetch", help="download a built-in data set")
    fetch_dataset.add_argument("name")
    fetch_dataset.add_argument("--into", type=Path, help="folder of data sets (default: the cache)")
    fetch_dataset.set_defaults(run=_fetch, interactive=True)
    inspect_dataset = commands.add_parser("inspect", help="describe a data set as the models will see it; JSON")
    inspect_dataset.add_argument(
        "file", type=Path, help="YAML file with one CTRExperiment, or a file or folder of data"
    )
    inspect_dataset.set_defaults(run=_inspect, interactive=True)
    propose = commands.add_parser("propose", help="propose an experiment for a file or folder of data; JSON")
    propose.add_argument("file", type=Path)
    for role in ROLES:
        propose.add_argument(f"--{role}", help=f"the {role} column")
    propose.set_defaults(run=_propose, interactive=True)
    encode = commands.add_parser("encode", help="encode the data set of a specification into a store; JSON")
    encode.add_argument("file", type=Path, help="YAML file with one CTRExperiment")
    encode.add_argument("--store", required=True, help="root of the artifact store")
    encode.add_argument("--scheduler", help="address of a Dask scheduler whose workers read the source")
    encode.set_defaults(run=_encode, interactive=True)
    return top


def _add_worker_arguments(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    command.add_argument(
        "--store", required=True, help="root of the artifact store: file:///folder or s3://bucket/prefix"
    )
    command.add_argument("--experiment", required=True, type=_parse_key, help="NAMESPACE/NAME/UID")
    command.set_defaults(run=run, interactive=False)


def _prepare(args: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.data.preparation.dataset_preparation import prepare

    store, plan = _open_waiting(args, OutagePatience.from_environment())
    # Downloads of sources wait, too; a repetition continues where the last attempt stopped.
    OutagePatience.from_environment().wait_out(lambda: prepare(plan, store, args.experiment))
    return ExitCode.SUCCESS


def _sources(args: argparse.Namespace) -> int:
    from ctrlab_trainer.data.preparation.dataset_preparation import current_sources

    _, plan = _open(args)
    print(current_sources(plan.dataset).to_json(), end="")
    return ExitCode.SUCCESS


def _tune(args: argparse.Namespace) -> int:
    termination = Termination()
    patience = OutagePatience.from_environment(termination.requested)
    store, plan = _open_waiting(args, patience)
    database = os.environ.get(Variable.DATABASE_URL)
    if not database:
        raise InvalidSpec([Problem(Variable.DATABASE_URL, "tuning needs the URL of the study database")])
    require_variant(plan, args.variant)
    from ctrlab_study import StudyDatabase
    from ctrlab_trainer.tuning.tuning_worker import tune

    termination.make_graceful()
    studies = StudyDatabase(database, patience=patience)
    tune(plan, args.experiment, store, studies, args.variant, worker_name(), stop=termination.requested)
    return ExitCode.SUCCESS


def _evaluate(args: argparse.Namespace) -> int:
    Termination()
    store, plan = _open_waiting(args, OutagePatience.from_environment())
    group = select_run_group(plan, args.variant, args.seed, args.seed_count, args.first_index, args.indexes)
    from ctrlab_trainer.finals.final_runs import evaluate

    for record in evaluate(plan, args.experiment, store, group[0].variant, [run.seed for run in group]):
        print(f"{record.variant}, seed {record.seed}, attempt {record.attempt}: {record.state}")
    return ExitCode.SUCCESS


def _verify(args: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.finals.verification import verify

    store, plan = _open(args)
    require_variant(plan, args.variant)
    verification = verify(plan, args.experiment, store, args.variant, args.seed)
    print(verification)
    return ExitCode.SUCCESS if verification.equal else ExitCode.RUN_FAILED


def _replay(args: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.tuning.trial_replay import replay

    store, plan = _open(args)
    require_variant(plan, args.variant)
    equal = True
    for replayed in replay(plan, args.experiment, store, args.variant, args.trials):
        equal = equal and replayed.equal
        epochs = f"{len(replayed.recorded)} epochs recorded, {len(replayed.repeated)} repeated"
        result = "bit-equal" if replayed.equal else "different"
        print(f"study {replayed.study}, trial {replayed.trial}: {epochs}: {result}")
    return ExitCode.SUCCESS if equal else ExitCode.RUN_FAILED


def _calibrate(args: argparse.Namespace) -> int:
    Termination()
    from ctrlab_trainer.training.throughput import calibrate

    store, plan = _open(args)
    print(calibrate(plan, args.experiment, store).to_json(), end="")
    return ExitCode.SUCCESS


def _fetch(args: argparse.Namespace) -> int:
    from ctrlab_trainer.data.sources.dataset_fetching import FetchFailed, fetch_dataset

    try:
        fetched = fetch_dataset(args.name, args.into)
    except FetchFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.RETRY
    print(f"{fetched.folder} ({fetched.origin})")
    if fetched.license is not None:
        print(f"license: {fetched.license}")
    return ExitCode.SUCCESS


def _inspect(args: argparse.Namespace) -> int:
    from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

    if args.file.suffix.lower() not in MANIFEST_SUFFIXES:
        from ctrlab_trainer.data.proposals.experiment_proposal import inspect_file

        print(inspect_file(args.file).to_json(), end="")
        return ExitCode.SUCCESS
    experiment = _load_experiment(args.file)
    spec = experiment.spec
    print(inspect_dataset(spec.dataset, experiment.metadata.name, spec.analysis.metrics).to_json(), end="")
    return ExitCode.SUCCESS


def _propose(args: argparse.Namespace) -> int:
    from ctrlab_trainer.data.proposals.experiment_proposal import propose_experiment

    chosen = {role: getattr(args, role) for role in ROLES if getattr(args, role) is not None}
    print(propose_experiment(args.file, chosen).proposal.to_json(), end="")
    return ExitCode.SUCCESS


def _encode(args: argparse.Namespace) -> int:
    from ctrlab_trainer.data.preparation.dataset_preparation import prepare_dataset
    from ctrlab_trainer.data.preparation.metric_requirements import require_defined_metrics

    spec, store = _load_experiment(args.file).spec, open_store(args.store)
    dataset = spec.dataset
    if args.scheduler is None:
        record = prepare_dataset(dataset, store)
    else:
        try:
            from ctrlab_trainer.data.preparation.dask_encoding import DaskEncoder, connect
        except ModuleNotFoundError as error:
            raise InvalidSpec([Problem("--scheduler", f"{error}; install it: pip install 'ctrlab[dask]'")]) from error
        with connect(args.scheduler) as client:
            record = prepare_dataset(dataset, store, DaskEncoder(client))
    require_defined_metrics(spec.analysis.metrics, record)
    print(record.to_json(), end="")
    return ExitCode.SUCCESS


def _load_experiment(file: Path) -> Experiment:
    """Return the experiment of a file; from now on the paths of its sources are relative to the file's folder."""
    experiments = [resource for resource in load_manifests(file) if isinstance(resource, Experiment)]
    if len(experiments) != 1:
        raise InvalidSpec([Problem(str(file), f"expected one CTRExperiment, not {len(experiments)}")])
    os.environ[Variable.SOURCE_FOLDER] = str(file.absolute().parent)
    return experiments[0]


def _parse_indexes(text: str) -> tuple[int, ...]:
    return tuple(sorted(parse_indexes(text)))


def _open(args: argparse.Namespace) -> tuple[Store, Plan]:
    """Return the store and the plan, which a cluster mounts as a file."""
    store = open_store(args.store)
    return store, _read_plan(args, store)


def _open_waiting(args: argparse.Namespace, patience: OutagePatience) -> tuple[Store, Plan]:
    """Return the same for a job, whose store waits during outages; other commands have a user who waits."""
    store = WaitingStore(open_store(args.store), patience)
    return store, _read_plan(args, store)


def _read_plan(args: argparse.Namespace, store: Store) -> Plan:
    key: ExperimentKey = args.experiment
    file = os.environ.get(Variable.PLAN)
    plan = Path(file).read_bytes() if file else store.below(key.prefix).get(ObjectKey.PLAN)
    return Plan.model_validate_json(plan)


def _parse_key(text: str) -> ExperimentKey:
    try:
        return ExperimentKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
