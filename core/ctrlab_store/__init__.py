"""The artifact store: write-once objects behind one small protocol, in a folder or in a bucket."""

import os
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

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
    "path_of_file_uri",
]


def open_store(uri: str, environment: Mapping[str, str] = os.environ) -> Store:
    """Open the store at `file:///folder` (created on the first write) or `s3://bucket/prefix`.

    S3 credentials, region and endpoint come from the usual variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION, AWS_ENDPOINT_URL, AWS_CA_BUNDLE) of this process, or of `environment` if the caller opens stores of
    several owners. Raises InvalidInput for any other URI.
    """
    scheme, _, rest = uri.partition("://")
    path = rest.removeprefix("localhost")
    if scheme == "file" and path.startswith("/"):
        return FileStore.at(path_of_file_uri(f"file://{path}"))
    bucket, _, prefix = rest.partition("/")
    if scheme == "s3" and bucket:
        # boto3 takes a third of a second to import; a store in a folder does not need it.
        from ctrlab_store.s3_store import S3Store

        return S3Store.connect(bucket, prefix.strip("/"), environment)
    raise InvalidInput([Problem("store", f"found {uri!r}; allowed are file:///folder and s3://bucket/prefix")])


def path_of_file_uri(uri: str) -> str:
    """Return the path of a `file:///` URI: %XX is one byte, and every other character, # and ? included, is itself."""
    return os.fsdecode(unquote_to_bytes(os.fsencode(uri.removeprefix("file://"))))
