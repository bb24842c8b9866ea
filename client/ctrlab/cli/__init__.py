"""The `ctrlab` command; each subcommand has its own module."""

import sys

from ctrlab_api.names import ExitCode


def main() -> None:
    """Run the `ctrlab` script; if a package of an extra is missing, print how to install it."""
    try:
        from ctrlab.cli.app import run_app
    except ModuleNotFoundError as error:
        print(f"ctrlab needs the package {error.name}: pip install 'ctrlab[local]'", file=sys.stderr)
        raise SystemExit(ExitCode.INVALID_INPUT) from None
    run_app()
