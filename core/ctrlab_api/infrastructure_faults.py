"""Recognize errors of the node and the network, which no run is responsible for, among all errors of a process."""

import errno
import os
import re
import socket
from collections.abc import Iterator

from ctrlab_api.errors import InvalidInput, ServiceUnavailable

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE})
NETWORK_ERRORS = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
FULL_DISK_MESSAGES = tuple(os.strerror(number).lower() for number in (errno.ENOSPC, errno.EDQUOT))
"""Libraries report a full disk in errors of their own, with the text of the system."""

SHORT_WRITE = re.compile(r"^\d+ requested and \d+ written$")
"""Message of numpy for an array of which a full disk took a part only; it has no error number."""


def infrastructure_fault(error: BaseException) -> ServiceUnavailable | None:
    """Return the fault of store, database, disk or network that caused an error; None if there is none.

    Only the error itself and its explicit causes count: an error that was raised while another one was handled is a
    new error.
    """
    for cause in _causes(error):
        if isinstance(cause, InvalidInput):
            return None
        if isinstance(cause, ServiceUnavailable):
            return cause
        if isinstance(cause, OSError) and cause.errno in DISK_ERRORS:
            return ServiceUnavailable(f"a disk of this node cannot be used: {cause}; free some space on it")
        if isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in NETWORK_ERRORS):
            return ServiceUnavailable(f"the network cannot be used: {cause}")
        if any(text in str(cause).lower() for text in FULL_DISK_MESSAGES) or SHORT_WRITE.search(str(cause)):
            return ServiceUnavailable(f"the disk of this node is full: {cause}; free some space on it")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__
