"""Failures of the trainer: those of every worker process, and exhausted memory."""

from ctrlab_api import process_failures
from ctrlab_api.exit_codes import exit_code_of
from ctrlab_api.names import ExitCode

OUT_OF_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory")
"""Parts of the messages in which PyTorch and the allocators report exhausted memory."""


def report_failure(error: Exception) -> ExitCode:
    """Write the message, with the traceback of an unexpected error, and return the exit code."""
    return process_failures.report_failure(error, classify)


def classify(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code and the message of a failure."""
    if exit_code_of(error) is None and is_out_of_memory(error):
        first_line = str(error).partition("\n")[0]
        remedy = "use a smaller batch_size, fewer seedsPerPod or a larger machine"
        return ExitCode.RUN_FAILED, f"memory is exhausted: {remedy} ({first_line})"
    return process_failures.classify_failure(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or its GPU had too little memory."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in OUT_OF_MEMORY_MESSAGES)
