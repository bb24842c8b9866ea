"""The code of a run: the installed version, and the commit if it runs from a checkout."""

import os
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ctrlab_api.names import Variable
from ctrlab_api.records import CodeRecord

PACKAGE = "ctrlab"


@cache
def code_record() -> CodeRecord:
    """Return the record; commit and dirty flag are absent if the code is installed without its repository or git."""
    status = _git("status", "--porcelain", "--untracked-files=no")
    return CodeRecord(
        package=PACKAGE,
        version=version(PACKAGE),
        git_commit=_git("rev-parse", "HEAD"),
        git_dirty=None if status is None else bool(status),
        image=os.environ.get(Variable.IMAGE),
    )


def _git(*arguments: str) -> str | None:
    """Return the output of a git command in the checkout that tracks this file; None without one."""
    file = Path(__file__).resolve()
    try:
        tracked = subprocess.run(
            ["git", "ls-files", "--error-unmatch", file.name], cwd=file.parent, capture_output=True
        )
        if tracked.returncode:
            return None
        output = subprocess.run(["git", *arguments], cwd=file.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return output.stdout.strip()
