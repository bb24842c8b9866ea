"""`python -m ctrlab_operator run` runs the operator; `migrate` creates or upgrades the tables of the study database."""

import argparse
import sys

from ctrlab_api.errors import InvalidInput
from ctrlab_api.names import ExitCode
from ctrlab_operator.operator_settings import MigrationSettings, OperatorSettings
from ctrlab_operator.process.json_logs import configure_logging
from ctrlab_study import StudyUnavailable


def main(arguments: list[str] | None = None) -> None:
    """Run a command; settings are `CTRLAB_*` variables, credentials come from the pod or from $KUBECONFIG."""
    parser = argparse.ArgumentParser(prog="python -m ctrlab_operator", description=__doc__)
    parser.add_argument("command", choices=("run", "migrate"))
    command = parser.parse_args(arguments).command
    try:
        run() if command == "run" else migrate()
    except (InvalidInput, StudyUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(ExitCode.INVALID_INPUT) from None


def run() -> None:
    """Run the operator until SIGTERM."""
    settings = OperatorSettings.from_environment()
    configure_logging(settings.log_level)

    import kopf  # takes a second, which a missing setting need not wait for

    from ctrlab_operator.controller import Controller
    from ctrlab_operator.handlers import registry

    kopf.run(
        registry=registry,
        memo=kopf.Memo(controller=Controller(settings)),
        standalone=True,
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
    )


def migrate() -> None:
    """Create or upgrade the tables of the study database."""
    settings = MigrationSettings.from_environment()
    configure_logging(settings.log_level)

    from ctrlab_operator.process.database_migration import migrate_database

    migrate_database(settings.database_url)


if __name__ == "__main__":
    main()
