"""`python -m ctrlab_operator run` is the operator; `migrate` prepares the study database it will read."""

import argparse
import os
import sys
from typing import NoReturn

from ctrlab_contract.errors import InvalidInput
from ctrlab_contract.names import ExitCode
from ctrlab_contract.study import StudyUnavailable
from ctrlab_operator.cluster import logs


def main(arguments: list[str] | None = None) -> None:
    """Settings come from `CTRLAB_*` variables, credentials of the API server from the pod or from $KUBECONFIG."""
    parser = argparse.ArgumentParser(prog="python -m ctrlab_operator", description=__doc__)
    parser.add_argument("command", choices=("run", "migrate"))
    command = parser.parse_args(arguments).command
    logs.configure(os.environ.get("CTRLAB_LOG_LEVEL", "INFO"))
    try:
        run() if command == "run" else prepare_database(_required("CTRLAB_DATABASE_URL"))
    except (InvalidInput, StudyUnavailable) as error:
        _refuse(str(error))


def run() -> None:
    """Until SIGTERM."""
    import kopf

    from ctrlab_operator.cluster.controller import Controller
    from ctrlab_operator.cluster.settings import Settings
    from ctrlab_operator.handlers import registry

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
    from ctrlab_operator.cluster.migrate import migrate

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
