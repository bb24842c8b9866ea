"""The artifact store: write-once objects behind one small protocol, in a folder or in a bucket."""

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_store.file_store import FileStore
from ctrlab_store.protocol import ObjectExists, ObjectNotFound, Store, StoreError, StoreUnavailable
from ctrlab_store.waiting_store import WaitingStore

__all__ = [
    "FileStore",
    "ObjectExists",
    "ObjectNotFound",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "WaitingStore",
    "open_store",
]


def open_store(uri: str, environment: Mapping[str, str] = os.environ) -> Store:
    """Open the store at `file:///folder` (created on the first write) or `s3://bucket/prefix`.

    S3 credentials, region and endpoint come from the usual variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION, AWS_ENDPOINT_URL, AWS_CA_BUNDLE) of this process, or of `environment` if the caller opens stores of
    several owners. Raises InvalidInput for any other URI.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FileStore.at(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        # boto3 takes a third of a second to import; a store in a folder does not need it.
        from ctrlab_store.s3_store import S3Store

        return S3Store.connect(parts.netloc, parts.path.strip("/"), environment)
    raise InvalidInput([Problem("store", f"found {uri!r}; allowed are file:///folder and s3://bucket/prefix")])
