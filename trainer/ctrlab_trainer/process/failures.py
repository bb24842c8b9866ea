"""How a worker's failure is told: its exit code, and one message on stderr and in the termination log."""

import os
import sys
import traceback
from pathlib import Path

from ctrlab_api.errors import InvalidInput
from ctrlab_api.names import ExitCode, Variable
from ctrlab_store import StoreError
from ctrlab_study import StudyUnavailable

KUBERNETES_LOG = Path("/dev/termination-log")
UNEXPECTED = 1
"""A retry may help, or the code is wrong."""

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def report(error: Exception) -> int:
    """Writes the message, and the traceback of an error that nobody foresaw; returns the exit code."""
    code, message = classify(error)
    if code == UNEXPECTED and not isinstance(error, StoreError | StudyUnavailable):
        traceback.print_exception(error)
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    _log(message)
    return code


def classify(error: Exception) -> tuple[int, str]:
    """The exit code and the message of a failure."""
    # By name, so that a worker which needs no torch does not import it to fail.
    if type(error).__name__ == "SealError":
        return ExitCode.RUN_FAILED, str(error)
    if isinstance(error, InvalidInput):
        return ExitCode.BAD_SPEC_OR_DATA, str(error)
    if isinstance(error, StoreError | StudyUnavailable):
        return UNEXPECTED, str(error)
    if is_out_of_memory(error):
        first = str(error).partition("\n")[0]
        way_out = "use a smaller batch_size, fewer seedsPerPod or a larger machine"
        return ExitCode.RUN_FAILED, f"memory is exhausted: {way_out} ({first})"
    return UNEXPECTED, f"unexpected {type(error).__name__}: {error}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or its GPU had too little memory."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in OUT_OF_MEMORY)


def _log(message: str) -> None:
    """Into the file that whoever started the worker reads; without one, stderr has to do."""
    given = os.environ.get(Variable.TERMINATION_LOG)
    path = Path(given) if given else KUBERNETES_LOG
    if not given and not path.exists():
        return
    try:
        path.write_text("; ".join(message.splitlines()) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"error: {path} cannot be written: {error.strerror}", file=sys.stderr)
