"""`python -m ctrlab_report`: the commands that the operator, the local engine and `ctrlab` run as processes."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.process_failures import report_failure
from ctrlab_api.records.inspections import Inspection
from ctrlab_report.compare.comparison_page import comparison_files
from ctrlab_report.compare.experiment_comparison import compare_experiments
from ctrlab_report.inspection.inspection_page import inspection_html
from ctrlab_report.publishing.report_making import make_report
from ctrlab_report.publishing.report_verification import ReportCheck, verify_report
from ctrlab_report.sample_size.detectable_difference import detectable_difference
from ctrlab_report.sample_size.seed_extension import decide_seed_count, read_pilot
from ctrlab_store import Store, WaitingStore, open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`names.ExitCode`)."""
    args = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit_terminated)
    try:
        result = args.command(args)
    except Exception as error:
        return report_failure(error)
    print(result)
    return ExitCode.RUN_FAILED if isinstance(result, ReportCheck) and not result.equal else ExitCode.SUCCESS


def _make(args: argparse.Namespace) -> str:
    return make_report(_open_waiting(args.store), args.experiment)


def _decide_seeds(args: argparse.Namespace) -> str:
    folder = _open_waiting(args.store).below(args.experiment.prefix)
    decision = decide_seed_count(*read_pilot(folder))
    folder.put(ObjectKey.SEED_DECISION, decision.to_json().encode())
    return decision.reason


def _verify(args: argparse.Namespace) -> ReportCheck:
    return verify_report(open_store(args.store).below(args.experiment.prefix), args.experiment)


def _compare(args: argparse.Namespace) -> str:
    files = comparison_files(compare_experiments(args.folder, args.metric, args.margin, args.confidence))
    args.into.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (args.into / name).write_bytes(content)
    return files["comparison.md"].decode().rstrip("\n")


def _inspection(args: argparse.Namespace) -> str:
    args.into.write_bytes(inspection_html(Inspection.model_validate_json(args.inspection.read_bytes())))
    return str(args.into)


def _detectable(args: argparse.Namespace) -> str:
    difference = detectable_difference(
        args.seeds, args.comparisons, args.confidence, args.rows_positive, args.rows_negative
    )
    return json.dumps(difference, indent=2)


def _open_waiting(uri: str) -> Store:
    """Return the store of a job, which waits during outages; other commands have a user who waits."""
    return WaitingStore(open_store(uri), OutagePatience.from_environment())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ctrlab-report", description="Statistics and reports of ctrlab experiments.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    make = commands.add_parser("make", help="write the report of an experiment when its final runs have ended")
    make.set_defaults(command=_make)
    decide = commands.add_parser("decide-seeds", help="decide the number of seeds from the spread on validation rows")
    decide.set_defaults(command=_decide_seeds)
    verify = commands.add_parser("verify", help="compute the published report again and compare every number and byte")
    verify.set_defaults(command=_verify)
    for command in (make, decide, verify):
        command.add_argument("--store", required=True, metavar="URI", help="root of the store: file:///… or s3://…")
        command.add_argument(
            "--experiment",
            required=True,
            type=_experiment_key,
            metavar="NAMESPACE/NAME/UID",
            help="key of the experiment",
        )
    compare = commands.add_parser("compare", help="compare the models of several finished experiments")
    compare.set_defaults(command=_compare)
    compare.add_argument("folder", nargs="+", metavar="URI", help="folders of experiments: …/NAMESPACE/NAME/UID")
    compare.add_argument("--into", required=True, type=Path, metavar="FOLDER", help="folder for the files")
    compare.add_argument("--metric", help="metric to compare (default: the primary metric of all experiments)")
    compare.add_argument("--margin", type=float, help="smallest difference that matters, in units of the metric")
    compare.add_argument("--confidence", default=0.95, type=float, help="confidence level (default 0.95)")
    inspection = commands.add_parser("inspection", help="render an inspection of a data set as an HTML page")
    inspection.set_defaults(command=_inspection)
    inspection.add_argument("inspection", type=Path, metavar="FILE", help="inspection.json")
    inspection.add_argument("--into", required=True, type=Path, metavar="FILE", help="HTML file to write")
    detectable = commands.add_parser(
        "detectable", help="print the difference that a number of seeds can detect, as JSON"
    )
    detectable.set_defaults(command=_detectable)
    detectable.add_argument("--seeds", required=True, type=int, metavar="N", help="seeds of both models")
    detectable.add_argument("--comparisons", default=1, type=int, metavar="M", help="planned comparisons (default 1)")
    detectable.add_argument("--confidence", default=0.95, type=float, help="confidence level (default 0.95)")
    detectable.add_argument("--rows-positive", type=int, metavar="P", help="clicks in the test rows")
    detectable.add_argument("--rows-negative", type=int, metavar="N", help="non-clicks in the test rows")
    return parser


def _experiment_key(text: str) -> ExperimentKey:
    try:
        return ExperimentKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _exit_terminated(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(ExitCode.TERMINATED)
