"""`pvc://claim/path` sources: volumes of a cluster, mounted in its Jobs below one folder."""

import os
from pathlib import Path

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import CLAIMS_FOLDER, Variable


def mounted_path(claim: str, path: str, uri: str, field: str) -> Path:
    """Return the file or folder of a claim; InvalidData with a remedy if this machine has no such volume."""
    root = Path(os.environ.get(Variable.PVC_ROOT) or CLAIMS_FOLDER)
    volume = root / claim
    if ".." in Path(path).parts:
        raise InvalidData.at(field, f"found {uri}; the path in a volume must not contain ..")
    if not volume.is_dir():
        raise InvalidData.at(
            field,
            f"{uri} is a volume of a cluster, and this machine has no folder {volume}; use a file:// URI, or set "
            f"{Variable.PVC_ROOT} to the folder that contains {claim}/",
        )
    return volume / path.strip("/")
