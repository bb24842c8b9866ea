"""Field ownership of server-side apply: the manager that wrote each leaf. A list is one leaf."""

import copy
from typing import Any

from fake_api_server.status_errors import conflict

Path = tuple[str, ...]
Json = dict[str, Any]
Ownership = dict[str, set[Path]]
"""Paths of the owned leaves, by manager."""

UNOWNED = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")}


def leaves(body: Json, prefix: Path = ()) -> dict[Path, Any]:
    """Return every leaf of an object by its path; an empty object is a leaf."""
    result: dict[Path, Any] = {}
    for name, value in body.items():
        path = (*prefix, name)
        if isinstance(value, dict) and value:
            result |= leaves(value, path)
        elif path not in UNOWNED:
            result[path] = value
    return result


def value_at(body: Json, path: Path) -> Any:
    """Return the value at a path, or None."""
    value: Any = body
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def server_side_apply(live: Json, applied: Json, ownership: Ownership, manager: str, force: bool) -> Json:
    """Return the object after an apply, and update `ownership`; raise a conflict unless `force` is set."""
    new_leaves = leaves(applied)
    for path, value in new_leaves.items():
        for other, owned in ownership.items():
            if other != manager and path in owned and value_at(live, path) != value:
                if not force:
                    raise conflict(f'Apply failed with 1 conflict: conflict with "{other}": .{".".join(path)}')
                owned.discard(path)
    result = copy.deepcopy(live)
    for path in ownership.get(manager, set()) - set(new_leaves):
        if not any(path in owned for other, owned in ownership.items() if other != manager):
            _remove(result, path)
    for path, value in new_leaves.items():
        _set(result, path, value)
    ownership[manager] = set(new_leaves)
    return result


def record_update(before: Json, after: Json, ownership: Ownership, manager: str) -> None:
    """Update `ownership` after an update or a merge patch."""
    old = leaves(before)
    changed = {path for path, value in leaves(after).items() if old.get(path) != value}
    for other, owned in ownership.items():
        if other != manager:
            owned -= changed
    ownership.setdefault(manager, set()).update(changed)


def merge_patch(live: Any, patch: Any) -> Any:
    """Return `live` after a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def _set(body: Json, path: Path, value: Any) -> None:
    for part in path[:-1]:
        if not isinstance(body.get(part), dict):
            body[part] = {}
        body = body[part]
    body[path[-1]] = copy.deepcopy(value)


def _remove(body: Json, path: Path) -> None:
    for part in path[:-1]:
        if not isinstance(body.get(part), dict):
            return
        body = body[part]
    body.pop(path[-1], None)
