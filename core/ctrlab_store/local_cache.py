"""The folder of downloads that processes on one machine share."""

import os
from pathlib import Path

from ctrlab_api.names import Variable


def cache_folder() -> Path:
    """Return the folder in CTRLAB_CACHE, or ~/.cache/ctrlab."""
    return Path(os.environ.get(Variable.CACHE) or Path.home() / ".cache" / "ctrlab")
