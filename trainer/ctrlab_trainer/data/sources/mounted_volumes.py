"""`pvc://claim/path` sources: volumes of a cluster, mounted in its Jobs below one folder."""

import os
from pathlib import Path

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import CLAIMS_FOLDER, Variable
from ctrlab_trainer.data.sources.local_paths import existing_path, percent_decoded


def mounted_path(claim: str, path: str, uri: str, field: str) -> Path:
    """Return the file or folder of a claim; InvalidData with a remedy if this machine has no such volume."""
    root = Path(os.environ.get(Variable.PVC_ROOT) or CLAIMS_FOLDER)
    volume = root / claim
    if ".." in Path(percent_decoded(path)).parts:
        raise InvalidData.at(field, f"found {uri}; the path in a volume must not contain ..")
    if not volume.is_dir():
        raise InvalidData.at(
            field,
            f"{uri} is a volume of a cluster, and this machine has no folder {volume}; use a file:// URI, or set "
            f"{Variable.PVC_ROOT} to the folder that contains {claim}/",
        )
    return existing_path(str(volume / path.strip("/")), uri, field)
