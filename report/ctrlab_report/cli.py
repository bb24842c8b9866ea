"""`python -m ctrlab_report`: the commands that the operator and the local engine run as processes."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ctrlab_api.exit_codes import exit_code_of
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey, Variable
from ctrlab_api.records.inspections import Inspection
from ctrlab_report.compare.comparison_page import comparison_files
from ctrlab_report.compare.experiment_comparison import compare_experiments
from ctrlab_report.inspection.inspection_page import inspection_html
from ctrlab_report.publishing.report_making import make_report
from ctrlab_report.publishing.report_verification import ReportCheck, verify_report
from ctrlab_report.sample_size.detectable_difference import detectable_difference
from ctrlab_report.sample_size.seed_extension import decide_seed_count, read_pilot
from ctrlab_store import open_store

_DEFAULT_TERMINATION_LOG = Path("/dev/termination-log")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`names.ExitCode`); a failure is one message, never a traceback."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        answer = chosen.command(chosen)
        print(answer)
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            raise
        return _failed(str(error), code)
    return ExitCode.RUN_FAILED if isinstance(answer, ReportCheck) and not answer.equal else ExitCode.SUCCESS


def _make(chosen: argparse.Namespace) -> str:
    return make_report(open_store(chosen.store), chosen.experiment)


def _decide_seeds(chosen: argparse.Namespace) -> str:
    folder = open_store(chosen.store).below(chosen.experiment.prefix)
    decision = decide_seed_count(*read_pilot(folder))
    folder.put(ObjectKey.SEED_DECISION, decision.to_json().encode())
    return decision.reason


def _verify(chosen: argparse.Namespace) -> ReportCheck:
    return verify_report(open_store(chosen.store).below(chosen.experiment.prefix), chosen.experiment)


def _compare(chosen: argparse.Namespace) -> str:
    found = compare_experiments(chosen.folder, chosen.metric, chosen.margin, chosen.confidence)
    content = comparison_files(found)
    chosen.into.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (chosen.into / name).write_bytes(data)
    return content["comparison.md"].decode().rstrip("\n")


def _inspection(chosen: argparse.Namespace) -> str:
    chosen.into.write_bytes(inspection_html(Inspection.model_validate_json(chosen.found.read_bytes())))
    return str(chosen.into)


def _detectable(chosen: argparse.Namespace) -> str:
    found = detectable_difference(
        chosen.seeds, chosen.comparisons, chosen.confidence, chosen.rows_positive, chosen.rows_negative
    )
    return json.dumps(found, indent=2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ctrlab-report", description="Statistics and reports of ctrlab experiments.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    make_report = commands.add_parser("make", help="write the report of an experiment whose runs have ended")
    make_report.set_defaults(command=_make)
    decide = commands.add_parser("decide-seeds", help="decide once, from validation spread, how many seeds to run")
    decide.set_defaults(command=_decide_seeds)
    check = commands.add_parser("verify", help="compute the published report again and compare every number and byte")
    check.set_defaults(command=_verify)
    for command in (make_report, decide, check):
        command.add_argument("--store", required=True, metavar="URI", help="root of the store: file:///… or s3://…")
        command.add_argument(
            "--experiment", required=True, type=_key, metavar="NAMESPACE/NAME/UID", help="which experiment"
        )
    several = commands.add_parser("compare", help="compare the models of several finished experiments")
    several.set_defaults(command=_compare)
    several.add_argument("folder", nargs="+", metavar="URI", help="folders of experiments: …/NAMESPACE/NAME/UID")
    several.add_argument("--into", required=True, type=Path, metavar="FOLDER", help="where the files are written")
    several.add_argument("--metric", help="default: the primary metric of all of them")
    several.add_argument("--margin", type=float, help="the smallest difference that matters, in units of the metric")
    several.add_argument("--confidence", default=0.95, type=float, help="of the intervals (default 0.95)")
    data = commands.add_parser("inspection", help="the page of an inspection of data")
    data.set_defaults(command=_inspection)
    data.add_argument("found", type=Path, metavar="FILE", help="inspection.json")
    data.add_argument("--into", required=True, type=Path, metavar="FILE", help="the HTML file to write")
    plan = commands.add_parser("detectable", help="what a number of seeds can detect, as JSON")
    plan.set_defaults(command=_detectable)
    plan.add_argument("--seeds", required=True, type=int, metavar="N", help="shared seeds of both models")
    plan.add_argument("--comparisons", default=1, type=int, metavar="M", help="planned comparisons (default 1)")
    plan.add_argument("--confidence", default=0.95, type=float, help="of the intervals (default 0.95)")
    plan.add_argument("--rows-positive", type=int, metavar="P", help="clicks in the test set")
    plan.add_argument("--rows-negative", type=int, metavar="N", help="other rows of the test set")
    return parser


def _key(text: str) -> ExperimentKey:
    try:
        return ExperimentKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _failed(message: str, code: ExitCode) -> ExitCode:
    """Print the message and leave it where Kubernetes and the local engine look for it."""
    print(message, file=sys.stderr)
    target = Path(os.environ.get(Variable.TERMINATION_LOG, _DEFAULT_TERMINATION_LOG))
    if Variable.TERMINATION_LOG in os.environ or target.exists():
        target.write_text(message + "\n", encoding="utf-8")
    return code


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(ExitCode.TERMINATED)
