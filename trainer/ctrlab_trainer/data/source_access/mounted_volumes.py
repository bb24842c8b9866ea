"""`pvc://claim/path`: a volume of a cluster, which its jobs find below one folder."""

import os
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData

VOLUMES_VARIABLE: Final = "CTRLAB_PVC_ROOT"
MOUNTED_AT: Final = "/data/pvc"
"""Where jobs of a cluster have the claims, each in a folder of its name."""


def mounted_path(claim: str, path: str, uri: str, field: str) -> Path:
    """The file or folder of a claim; InvalidData where this machine has no such volume, with what to do."""
    root = Path(os.environ.get(VOLUMES_VARIABLE) or MOUNTED_AT)
    volume = root / claim
    found = volume / path.strip("/")
    if ".." in Path(path).parts:
        raise InvalidData.at(field, f"found {uri}; the path of a volume has no .. in it")
    if not volume.is_dir():
        raise InvalidData.at(
            field,
            f"{uri} is a volume of a cluster, and this machine has no folder {volume}; use file:// here, or set "
            f"{VOLUMES_VARIABLE} to the folder that holds {claim}/",
        )
    return found
