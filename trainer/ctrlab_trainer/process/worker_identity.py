"""The name of this worker in leases, records and start logs."""

import os
import socket

from ctrlab_api.names import Variable


def worker_name() -> str:
    """Return the name that the environment gives, such as that of the pod; host and process number otherwise."""
    return os.environ.get(Variable.WORKER) or f"{socket.gethostname()}/{os.getpid()}"
