"""Errors of disk and network are recognized in every form in which libraries raise them."""

import errno
import os
import socket

import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.infrastructure_faults import infrastructure_fault
from ctrlab_api.names import ExitCode
from ctrlab_api.process_failures import classify_failure
from ctrlab_store import ObjectNotFound, StoreUnavailable


def caused_by(cause: Exception) -> Exception:
    """Return an error of a library with an explicit cause."""
    error = RuntimeError("writing failed")
    error.__cause__ = cause
    return error


def system_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "error",
    [
        system_error(errno.ENOSPC),
        system_error(errno.EDQUOT),
        system_error(errno.EROFS),
        system_error(errno.ESTALE),
        system_error(errno.EIO),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        socket.gaierror(-3, "Temporary failure in name resolution"),
        RuntimeError("[enforce fail at file_adapter.cc] No space left on device"),
        caused_by(system_error(errno.ENOSPC)),
        caused_by(StoreUnavailable("s3://bucket: no route to host")),
        StoreUnavailable("s3://bucket: SlowDown"),
    ],
    ids=repr,
)
def test_a_fault_of_the_infrastructure_never_counts(error: Exception) -> None:
    assert infrastructure_fault(error) is not None
    assert classify_failure(error)[0] == ExitCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "no such file"), ExitCode.RETRY),
        (ValueError("shape (3, 4)"), ExitCode.RETRY),
        (ObjectNotFound("s3://bucket", "plan.json"), ExitCode.RETRY),
        (InvalidData.at("row 3", "is wrong"), ExitCode.BAD_SPEC_OR_DATA),
        (caused_by(InvalidData.at("row 3", "is wrong")), ExitCode.RETRY),
    ],
    ids=repr,
)
def test_a_fault_of_the_run_counts(error: Exception, code: ExitCode) -> None:
    assert infrastructure_fault(error) is None
    assert classify_failure(error)[0] == code
