"""The exit code of a worker for each kind of error: one table for trainer and report."""

from ctrlab_api.errors import FinalRunFailed, InvalidInput, RequestFailed, ServiceUnavailable
from ctrlab_api.names import ExitCode

EXIT_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (InvalidInput, ExitCode.BAD_SPEC_OR_DATA),
    (FinalRunFailed, ExitCode.RUN_FAILED),
    (ServiceUnavailable, ExitCode.UNAVAILABLE),
    (RequestFailed, ExitCode.RETRY),
)
"""The first class that an error is an instance of decides; its message is complete without a traceback."""


def exit_code_of(error: Exception) -> ExitCode | None:
    """Return the exit code of an expected error; None for any other, which is printed with its traceback."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), None)
