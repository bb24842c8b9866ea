"""Canonical JSON and digests: equal content gives equal bytes, in whatever order it was written.

Every claim of ctrlab that something did not change (plan, study, data, report) relies on these two functions.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def canonical_json(content: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """Return UTF-8 JSON with sorted keys, no spaces and no absent fields; floats in Python's shortest round-trip form.

    Raises ValueError for NaN and infinity, which JSON cannot represent.
    """
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(content: BaseModel | dict[str, Any] | list[Any] | bytes) -> str:
    """Return `sha256:` and 64 hex digits, of the bytes as they are or of the canonical JSON of anything else."""
    raw = content if isinstance(content, bytes) else canonical_json(content)
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def short_digest(digest: str, length: int = 12) -> str:
    """Return the first `length` digits of a digest, for names and for display."""
    return digest.removeprefix("sha256:")[:length]
