"""The application: which commands there are, and how errors and interruptions end."""

import sys

import typer

from ctrlab_contract.errors import InvalidInput
from ctrlab_contract.names import ExitCode
from ctrlab_operator.cli import (
    architectures,
    compare,
    data,
    explain,
    plan,
    report,
    run,
    search,
    status,
    validate,
    verify,
)
from ctrlab_operator.local.errors import ExperimentFailed, WorkspaceError

app = typer.Typer(
    name="ctrlab",
    help="Statistically rigorous experiments for CTR-prediction models: tune, run on several seeds, compare, report.",
    epilog="Example: ctrlab run examples/01-quick-start.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("validate", epilog="Example: ctrlab validate experiment.yaml")(validate.validate)
app.command("plan", epilog="Example: ctrlab plan experiment.yaml")(plan.plan)
app.command("run", epilog="Example: ctrlab run experiment.yaml --workspace results --workers 4")(run.run)
app.command("status", epilog="Example: ctrlab status my-experiment")(status.status)
app.command("report", epilog="Example: ctrlab report my-experiment -o md")(report.report)
app.command("compare", epilog="Example: ctrlab compare movies-june movies-july")(compare.compare)
app.command("verify", epilog="Example: ctrlab verify my-experiment --variant SIN --seed 2024")(verify.verify)
app.command("explain", epilog="Example: ctrlab explain spec.tuning.pruner")(explain.explain)
app.command("architectures", epilog="Example: ctrlab architectures sin")(architectures.architectures)
app.add_typer(data.app, name="data")
app.add_typer(search.app, name="search")


def run_app() -> None:
    """Run the command of this process; errors of the user end with one message each and no traceback."""
    try:
        app()
    except InvalidInput as error:
        _complain(str(error))
        raise SystemExit(ExitCode.INVALID_INPUT) from None
    except WorkspaceError as error:
        _complain(str(error))
        raise SystemExit(ExitCode.INVALID_INPUT) from None
    except ExperimentFailed as error:
        _complain(str(error))
        raise SystemExit(ExitCode.EXPERIMENT_FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None


def _complain(message: str) -> None:
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
