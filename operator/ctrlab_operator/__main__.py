"""`python -m ctrlab_operator run` is the operator; `migrate` prepares the study database it will read."""

import argparse
import os
import sys
from typing import NoReturn

from ctrlab_api.errors import InvalidInput
from ctrlab_api.names import ExitCode, Variable
from ctrlab_operator.process import json_logs
from ctrlab_study import StudyUnavailable


def main(arguments: list[str] | None = None) -> None:
    """Settings come from `CTRLAB_*` variables, credentials of the API server from the pod or from $KUBECONFIG."""
    parser = argparse.ArgumentParser(prog="python -m ctrlab_operator", description=__doc__)
    parser.add_argument("command", choices=("run", "migrate"))
    command = parser.parse_args(arguments).command
    json_logs.configure(os.environ.get(Variable.LOG_LEVEL, "INFO"))
    try:
        run() if command == "run" else prepare_database(_required(Variable.DATABASE_URL))
    except (InvalidInput, StudyUnavailable) as error:
        _refuse(str(error))


def run() -> None:
    """Until SIGTERM."""
    import kopf

    from ctrlab_operator.controller import Controller
    from ctrlab_operator.handlers import registry
    from ctrlab_operator.operator_settings import Settings

    for variable in Settings.REQUIRED:
        _required(variable)
    settings = Settings.from_environment()
    kopf.run(
        registry=registry,
        memo=kopf.Memo(controller=Controller(settings)),
        standalone=True,
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
    )


def prepare_database(url: str) -> None:
    """Make or upgrade the tables there."""
    from ctrlab_operator.process.database_migration import migrate

    migrate(url)


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        _refuse(f"the variable {variable} must be set")
    return value


def _refuse(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(ExitCode.INVALID_INPUT)


if __name__ == "__main__":
    main()
