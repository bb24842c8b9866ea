"""Guesses of the features: their types, and the columns that are left out with the reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ctrlab_api.resources.features import MAX_FEATURES
from ctrlab_trainer.data.proposals.column_profiles import ColumnProfile
from ctrlab_trainer.data.proposals.column_roles import OUTCOMES, REVIEW, Roles

FEW_VALUES: Final = 32
"""Integers with at most this many values are ids; a number with more may be a quantity."""
MAX_TEXT_LENGTH: Final = 60
"""Text that is longer on average, and different in most rows, is prose and no id."""
ID_NAME: Final = re.compile(
    r"(^|_)(id|ids|code|type|category|cat|cate|class|zip|index|key|hash|idx|no|version)$|id$", re.I
)
HISTORY_NAME: Final = re.compile(r"hist|(^|_)(seq|sequence|clicked|past|previous|recent|behaviou?r)", re.IGNORECASE)
MAX_HISTORY: Final = 30


@dataclass(frozen=True)
class FeatureGuess:
    """One column: the fields of its feature, or None where it is left out, and why."""

    column: str
    fields: dict[str, Any] | None
    comment: str = ""


def guess_features(profiles: Sequence[ColumnProfile], roles: Roles) -> list[FeatureGuess]:
    """Return a guess for each column that has no other role, and a History of the user's clicked items."""
    fixed = {role.column for role in (roles.label, roles.split) if role}
    ids = {role.column: role for role in (roles.user, roles.item) if role}
    guesses = []
    for profile in profiles:
        if profile.name in fixed:
            continue
        if profile.name in ids:
            guesses.append(_feature(profile, "Categorical", ids[profile.name].comment))
        elif profile.name in roles.times:
            used = roles.time is not None and profile.name == roles.time.column
            guesses.append(
                FeatureGuess(profile.name, None, "the time" if used else "a time; derive hour or weekday from it")
            )
        else:
            guesses.append(_guess(profile, roles))
    guesses = _limited(guesses)
    is_stored = any(guess.fields and guess.fields["type"] == "History" for guess in guesses)
    history = None if is_stored else _history(roles, {profile.name for profile in profiles})
    return [*guesses, history] if history else guesses


def without(guess: FeatureGuess, comment: str) -> FeatureGuess:
    """Return the guess with its column left out for a reason."""
    return FeatureGuess(guess.column, None, comment)


def _feature(profile: ColumnProfile, type_: str, comment: str = "", **fields: Any) -> FeatureGuess:
    return FeatureGuess(profile.name, {"name": profile.name, "type": type_, **fields}, comment)


def _guess(profile: ColumnProfile, roles: Roles) -> FeatureGuess:
    if profile.kind == "empty":
        return FeatureGuess(profile.name, None, "has no values")
    if profile.distinct <= 1 and profile.kind not in ("list", "vector"):
        return FeatureGuess(profile.name, None, "has the same value in every row")
    if OUTCOMES.search(profile.name) and not HISTORY_NAME.search(profile.name):
        return FeatureGuess(
            profile.name, None, f"{REVIEW}may be known only after the click; add it if it is known before"
        )
    if profile.kind == "vector":
        return _feature(profile, "Vector", f"a vector of {profile.width} numbers in each row", width=profile.width)
    if HISTORY_NAME.search(profile.name) and (profile.kind == "list" or profile.separator) and roles.item is not None:
        stored = {} if profile.separator in (None, " ") else {"separator": profile.separator}
        comment = f"{REVIEW}named like a history, oldest first; as values without order it would be MultiCategorical"
        return _feature(profile, "History", comment, of=roles.item.column, stored=stored, maxLength=MAX_HISTORY)
    if profile.kind == "list":
        return _feature(profile, "MultiCategorical", f"a list; {profile.distinct} values")
    if profile.distinct == profile.rows and profile.kind in ("integer", "text") and profile.rows > FEW_VALUES:
        return FeatureGuess(profile.name, None, "has a different value in every row: probably the number of the row")
    if profile.kind == "text":
        return _text(profile)
    if profile.kind == "boolean" or profile.zero_padded or profile.distinct <= FEW_VALUES:
        return _feature(profile, "Categorical", f"{profile.distinct} values")
    if profile.kind == "number":
        return _feature(profile, "Numeric", _range(profile), transform="QuantileBucket")
    if ID_NAME.search(profile.name):
        return _feature(profile, "Categorical", f"integers named like an id; {profile.distinct} values")
    if _is_dense_block(profile):
        return _feature(profile, "Categorical", f"{REVIEW}{_range(profile)}, almost without gaps: probably ids")
    comment = f"{REVIEW}{_range(profile)}; an id instead of a quantity would be Categorical"
    return _feature(profile, "Numeric", comment, transform="QuantileBucket")


def _text(profile: ColumnProfile) -> FeatureGuess:
    if profile.separator is not None:
        comment = f"{REVIEW}lists separated by {profile.separator!r}; as single values it would be Categorical"
        return _feature(profile, "MultiCategorical", comment, separator=profile.separator)
    if profile.mean_length > MAX_TEXT_LENGTH and profile.distinct > profile.rows / 2:
        return FeatureGuess(profile.name, None, f"{REVIEW}long text that differs in most rows; encode it as vectors")
    return _feature(profile, "Categorical", f"{profile.distinct} values")


def _is_dense_block(profile: ColumnProfile) -> bool:
    """Whether integers fill a range far from 0, as the ids of one field in a joint id space do."""
    low, high = float(profile.numbers[0]), float(profile.numbers[-1])
    return low > profile.distinct and high - low < 1.5 * profile.distinct


def _range(profile: ColumnProfile) -> str:
    return f"{profile.distinct} numbers from {profile.numbers[0]:g} to {profile.numbers[-1]:g}"


def _limited(guesses: list[FeatureGuess]) -> list[FeatureGuess]:
    """Keep at most MAX_FEATURES - 1 features, which leaves room for a History."""
    result, count = [], 0
    for guess in guesses:
        count += guess.fields is not None
        over = guess.fields is not None and count >= MAX_FEATURES
        result.append(without(guess, f"{REVIEW}more than {MAX_FEATURES} features are not allowed") if over else guess)
    return result


def _history(roles: Roles, names: set[str]) -> FeatureGuess | None:
    ordered = roles.time is not None or roles.label is None  # without a label the rows must be in order
    if roles.user is None or roles.item is None or not ordered:
        return None
    name = next(candidate for candidate in _names(f"hist_{roles.item.column}"[:128]) if candidate not in names)
    fields: Mapping[str, Any] = {"name": name, "type": "History", "of": roles.item.column, "maxLength": MAX_HISTORY}
    return FeatureGuess(name, dict(fields), "the user's earlier clicks, collected from the rows")


def _names(name: str) -> Sequence[str]:
    return [name, *(f"{name[:120]}_{number}" for number in range(2, 1000))]
