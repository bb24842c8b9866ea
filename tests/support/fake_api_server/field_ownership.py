"""Field ownership for server-side apply: which manager wrote which leaf. Lists are leaves as a whole."""

import copy
from typing import Any

from fake_api_server.status_errors import conflict

Path = tuple[str, ...]
Json = dict[str, Any]

NEVER_OWNED = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")}


def leaves(body: Json, prefix: Path = ()) -> dict[Path, Any]:
    """Every leaf of an object by its path; an empty object is a leaf."""
    found: dict[Path, Any] = {}
    for name, value in body.items():
        path = (*prefix, name)
        if isinstance(value, dict) and value:
            found |= leaves(value, path)
        elif path not in NEVER_OWNED:
            found[path] = value
    return found


def value_at(body: Json, path: Path) -> Any:
    """None where there is nothing."""
    found: Any = body
    for part in path:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def applied(live: Json, wanted: Json, owners: dict[str, set[Path]], manager: str, force: bool) -> Json:
    """The object after `manager` applied `wanted`; `owners` is brought up to date. Raises a conflict unless forced."""
    asked = leaves(wanted)
    for path, value in asked.items():
        for other, theirs in owners.items():
            if other != manager and path in theirs and value_at(live, path) != value:
                if not force:
                    raise conflict(f'Apply failed with 1 conflict: conflict with "{other}": .{".".join(path)}')
                theirs.discard(path)
    result = copy.deepcopy(live)
    for path in owners.get(manager, set()) - set(asked):
        if not any(path in theirs for other, theirs in owners.items() if other != manager):
            _remove(result, path)
    for path, value in asked.items():
        _set(result, path, value)
    owners[manager] = set(asked)
    return result


def written(before: Json, after: Json, owners: dict[str, set[Path]], manager: str) -> None:
    """Note who changed what by an update or a merge patch."""
    old = leaves(before)
    changed = {path for path, value in leaves(after).items() if old.get(path) != value}
    for other, theirs in owners.items():
        if other != manager:
            theirs -= changed
    owners.setdefault(manager, set()).update(changed)


def merged(live: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
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
