"""Calling the trainer's and the report's small commands, whose packages this process never imports."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from ctrlab.local.errors import ExperimentFailed
from ctrlab.local.worker_process import PROGRAMS
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.names import ExitCode


def run_subcommand(program: str, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """What the command prints; its last words as InvalidInput (bad input) or ExperimentFailed (anything else)."""
    done = subprocess.run(
        [*PROGRAMS[program], *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == ExitCode.SUCCESS:
        return done.stdout
    words = done.stderr.strip().splitlines()
    if done.returncode in (ExitCode.INVALID_INPUT, ExitCode.BAD_SPEC_OR_DATA):
        raise InvalidInput([Problem(f"{program} {arguments[0]}", line.removeprefix("error: ")) for line in words])
    raise ExperimentFailed(f"{program} {arguments[0]}: {words[-1] if words else f'exit code {done.returncode}'}")


def run_interactively(program: str, arguments: Sequence[str]) -> int:
    """Run the command on this terminal; its exit code."""
    return subprocess.run([*PROGRAMS[program], *arguments], check=False).returncode
