"""The command line `ctrlab`; one file a command."""

import sys

from ctrlab_api.names import ExitCode


def main() -> None:
    """Entry point of the script `ctrlab`; without the extra that it needs, one line says how to get it."""
    try:
        from ctrlab.cli.app import run_app
    except ModuleNotFoundError as missing:
        print(f"ctrlab needs the package {missing.name}: pip install 'ctrlab[local]'", file=sys.stderr)
        raise SystemExit(ExitCode.INVALID_INPUT) from None
    run_app()
