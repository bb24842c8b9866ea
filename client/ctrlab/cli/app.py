"""The typer application: its commands, and the exit codes of errors and interruptions."""

import sys

import typer

from ctrlab.cli import (
    architectures_command,
    compare_command,
    data_command,
    explain_command,
    init_command,
    plan_command,
    report_command,
    retry_command,
    run_command,
    search_command,
    status_command,
    validate_command,
    verify_command,
)
from ctrlab.local.errors import ExperimentFailed
from ctrlab_api.errors import InvalidInput
from ctrlab_api.names import ExitCode

app = typer.Typer(
    name="ctrlab",
    help="Statistically rigorous experiments for CTR-prediction models: tune, train on several seeds, compare, report.",
    epilog="Example: ctrlab run examples/01-quick-start.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("init", epilog="Example: ctrlab init clicks.parquet > experiment.yaml")(init_command.init)
app.command("validate", epilog="Example: ctrlab validate experiment.yaml")(validate_command.validate)
app.command("plan", epilog="Example: ctrlab plan experiment.yaml")(plan_command.plan)
app.command("run", epilog="Example: ctrlab run experiment.yaml --workspace results --workers 4")(run_command.run)
app.command("retry", epilog="Example: ctrlab retry my-experiment")(retry_command.retry)
app.command("status", epilog="Example: ctrlab status my-experiment")(status_command.status)
app.command("report", epilog="Example: ctrlab report my-experiment -o md")(report_command.report)
app.command("compare", epilog="Example: ctrlab compare movies-june movies-july")(compare_command.compare)
app.command("verify", epilog="Example: ctrlab verify my-experiment --variant SIN --seed 2024")(verify_command.verify)
app.command("explain", epilog="Example: ctrlab explain spec.tuning.pruner")(explain_command.explain)
app.command("architectures", epilog="Example: ctrlab architectures sin")(architectures_command.architectures)
app.add_typer(data_command.app, name="data")
app.add_typer(search_command.app, name="search")


def run_app() -> None:
    """Run the command of this process; print user errors without a traceback and exit with their code."""
    try:
        app()
    except InvalidInput as error:
        _print_error(error)
        raise SystemExit(ExitCode.INVALID_INPUT) from None
    except ExperimentFailed as error:
        _print_error(error)
        raise SystemExit(ExitCode.EXPERIMENT_FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None


def _print_error(error: Exception) -> None:
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
