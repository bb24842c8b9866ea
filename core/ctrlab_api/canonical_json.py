"""Canonical JSON and digests: equal content gives equal bytes, whatever the order in which it was written.

Every promise of ctrlab that something did not change (plan, search, data, report) rests on these two functions.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def canonical_json(content: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and no absent fields; floats as Python's shortest round-trip form.

    Raises ValueError for NaN and infinity, which JSON cannot hold.
    """
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(content: BaseModel | dict[str, Any] | list[Any] | bytes) -> str:
    """`sha256:` and 64 hexadecimal digits, of bytes as they are or of the canonical JSON of anything else."""
    raw = content if isinstance(content, bytes) else canonical_json(content)
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def short_digest(full: str, length: int = 12) -> str:
    """The first digits of a digest, for names and for people."""
    return full.removeprefix("sha256:")[:length]
