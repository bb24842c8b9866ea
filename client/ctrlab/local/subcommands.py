"""Runs commands of the trainer and the report in their own processes; the client never imports these packages."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from ctrlab.local.errors import ExperimentFailed
from ctrlab.local.worker_process import PROGRAMS
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.names import ExitCode

CLIENT_EXIT_CODES = {
    ExitCode.RUN_FAILED: ExitCode.EXPERIMENT_FAILED,
    ExitCode.BAD_SPEC_OR_DATA: ExitCode.INVALID_INPUT,
}
"""Exit code of a worker program -> exit code of `ctrlab` with the same meaning; all others stay the same."""


def run_subcommand(program: str, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """Return the standard output of a command; `env` is added to the environment.

    Raises InvalidInput with the lines of standard error if the input is invalid, and ExperimentFailed with the last
    line for any other failure.
    """
    completed = subprocess.run(
        [*PROGRAMS[program], *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode == ExitCode.SUCCESS:
        return completed.stdout
    lines = [line.removeprefix("error: ") for line in completed.stderr.strip().splitlines()]
    if completed.returncode in (ExitCode.INVALID_INPUT, ExitCode.BAD_SPEC_OR_DATA):
        raise InvalidInput([Problem(f"{program} {arguments[0]}", line) for line in lines])
    raise ExperimentFailed(f"{program} {arguments[0]}: {lines[-1] if lines else f'exit code {completed.returncode}'}")


def run_interactively(program: str, arguments: Sequence[str]) -> int:
    """Run a command with this terminal's input and output; return the exit code that `ctrlab` should end with."""
    code = subprocess.run([*PROGRAMS[program], *arguments], check=False).returncode
    return CLIENT_EXIT_CODES.get(ExitCode(code), code) if code in list(ExitCode) else code
