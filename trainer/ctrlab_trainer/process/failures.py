"""Report the failure of a worker: its exit code, and one message on stderr and in the termination log."""

import os
import sys
import traceback
from pathlib import Path

from ctrlab_api.exit_codes import exit_code_of
from ctrlab_api.names import ExitCode, Variable

KUBERNETES_TERMINATION_LOG = Path("/dev/termination-log")
OUT_OF_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory")


def report_failure(error: Exception) -> ExitCode:
    """Write the message, with the traceback of an unexpected error, and return the exit code."""
    code, message = classify(error)
    if code == ExitCode.RETRY and exit_code_of(error) is None:
        traceback.print_exception(error)
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    _write_termination_log(message)
    return code


def classify(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code and the message of a failure."""
    code = exit_code_of(error)
    if code is not None:
        return code, str(error)
    if is_out_of_memory(error):
        first_line = str(error).partition("\n")[0]
        remedy = "use a smaller batch_size, fewer seedsPerPod or a larger machine"
        return ExitCode.RUN_FAILED, f"memory is exhausted: {remedy} ({first_line})"
    return ExitCode.RETRY, f"unexpected {type(error).__name__}: {error}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or its GPU had too little memory."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in OUT_OF_MEMORY_MESSAGES)


def _write_termination_log(message: str) -> None:
    """Write to the file that the starter of the worker reads; without one, the message on stderr is all there is."""
    configured = os.environ.get(Variable.TERMINATION_LOG)
    path = Path(configured) if configured else KUBERNETES_TERMINATION_LOG
    if not configured and not path.exists():
        return
    try:
        path.write_text("; ".join(message.splitlines()) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"error: {path} cannot be written: {error.strerror}", file=sys.stderr)
