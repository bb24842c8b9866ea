"""Run the `ctrlab` command: in this process, which saves the imports, or as a process."""

import subprocess
import sys

import pytest

from ctrlab.cli import main


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as exit_info:
        main()
    return int(exit_info.value.code or 0)


def ctrlab_command(*arguments: str) -> list[str]:
    """Return the command line that starts `ctrlab` as a process of this interpreter."""
    return [sys.executable, "-m", "ctrlab.cli", *arguments]


def ctrlab_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process and return its exit code, output and errors."""
    return subprocess.run(ctrlab_command(*arguments), capture_output=True, text=True, check=False)
