"""Failure reports of worker processes: exit code, message on stderr, termination message."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ctrlab_api.exit_codes import exit_code_of
from ctrlab_api.infrastructure_faults import infrastructure_fault
from ctrlab_api.names import ExitCode, Variable

KUBERNETES_TERMINATION_LOG = Path("/dev/termination-log")
"""Where Kubernetes reads the last message of a container; the file exists only in a pod."""


def classify_failure(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code and the message for an error."""
    code = exit_code_of(error)
    if code is not None:
        return code, str(error)
    fault = infrastructure_fault(error)
    if fault is not None:
        return ExitCode.UNAVAILABLE, str(fault)
    return ExitCode.RETRY, f"unexpected {type(error).__name__}: {error}"


def report_failure(
    error: Exception, classify: Callable[[Exception], tuple[ExitCode, str]] = classify_failure
) -> ExitCode:
    """Write the message to stderr and to the termination log; return the exit code.

    An unexpected error is printed with its traceback as well, because its message alone does not lead to the cause.
    """
    code, message = classify(error)
    if code == ExitCode.RETRY and exit_code_of(error) is None:
        traceback.print_exception(error)
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    write_termination_message(message)
    return code


def write_termination_message(message: str) -> None:
    """Write the message, on one line, to the file that Kubernetes or the local engine reads; none outside of both."""
    configured = os.environ.get(Variable.TERMINATION_LOG)
    path = Path(configured) if configured else KUBERNETES_TERMINATION_LOG
    if not configured and not path.exists():
        return
    try:
        path.write_text("; ".join(message.splitlines()) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"error: {path} cannot be written: {error.strerror}", file=sys.stderr)
