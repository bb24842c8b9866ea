"""`pvc://claim/path`: a volume of a cluster, which its jobs find below one folder."""

import os
from pathlib import Path

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import CLAIMS_FOLDER, Variable


def mounted_path(claim: str, path: str, uri: str, field: str) -> Path:
    """The file or folder of a claim; InvalidData where this machine has no such volume, with what to do."""
    root = Path(os.environ.get(Variable.PVC_ROOT) or CLAIMS_FOLDER)
    volume = root / claim
    found = volume / path.strip("/")
    if ".." in Path(path).parts:
        raise InvalidData.at(field, f"found {uri}; the path of a volume has no .. in it")
    if not volume.is_dir():
        raise InvalidData.at(
            field,
            f"{uri} is a volume of a cluster, and this machine has no folder {volume}; use file:// here, or set "
            f"{Variable.PVC_ROOT} to the folder that holds {claim}/",
        )
    return found
