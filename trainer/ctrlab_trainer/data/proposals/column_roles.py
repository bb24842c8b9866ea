"""Guesses of which column is the label, the time, the user, the item and the split, from names and statistics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ctrlab_trainer.data.proposals.column_profiles import ColumnProfile
from ctrlab_trainer.data.splits.label_advice import label_comparisons

LABELS: Final = (
    r"(is_?)?(click|clicked|clk)s?|clickthrough",
    r"(is_?)?labels?|y|target|ctr_label",
    r".*(click|clk).*",
    r"ratings?|stars|overall|score",
    r"(is_?|has_?)?(like|liked|conversions?|converted|purchased?|bought|response|install(ed)?|play(ed)?|feedback)",
)
"""Names of label columns, the most likely first."""
USERS: Final = (
    r"(user|member|customer|visitor|reviewer|account)s?(_?id)?|uid|u_?id",
    r"(session|device|cookie)(_?id)?",
)
ITEMS: Final = (
    r"(target_?)?(item|movie|video|product|article|news|song|track|book|photo|goods|doc|feed|merchant)s?(_?id)?|iid|asin",
    r"(ad|adgroup|creative|app|site|sku|page)s?(_?id)?",
)
TIMES: Final = (
    r"(event_?|click_?|unix_?)?(time|timestamp|datetime|time_ms|ts)|(created|clicked|shown|viewed)_?(at|on|time)",
    r".*_(time|timestamp|at|ts|datetime)",
    r"(.*_)?(date|day|hour|dt)",
)
SPLITS: Final = r"(data_?)?(split|part|fold|set|subset|partition)"
SPLIT_VALUES: Final = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test",),
}
OUTCOMES: Final = re.compile(
    r"(play|watch|dwell|stay|view|read|duration_of).?(time|ms|seconds)?$|long_view|follow|comment|forward|share|like|"
    r"purchase|conver|revenue|payment|profile_enter|collect|cart|complete|finish|click|clk|label|rating|stars|bounce",
    re.IGNORECASE,
)
"""Names of columns that may be known only after the click."""

POSITIVE_TEXTS: Final = re.compile(
    r"y|yes|true|pos(itive)?|click(ed)?|buy|bought|purchased?|like[ds]?|1", re.IGNORECASE
)
"""Texts that mean a click in a label column."""

REVIEW: Final = "REVIEW: "
"""Marks a guess that another reading fits as well."""


@dataclass(frozen=True)
class Role:
    """A column with a role, and why."""

    column: str
    reason: str
    ambiguous: bool = False

    @property
    def comment(self) -> str:
        """The reason, marked if the guess is ambiguous."""
        return (REVIEW if self.ambiguous else "") + self.reason


@dataclass(frozen=True)
class Roles:
    """The roles of the columns; None where no column has one."""

    label: Role | None
    positive_when: str | None
    user: Role | None
    item: Role | None
    time: Role | None
    split: Role | None
    split_values: Mapping[str, str] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    """The values that mean a click, for a label that is text."""
    times: tuple[str, ...] = ()
    """All columns that are named like a time."""


def guess_roles(
    profiles: Sequence[ColumnProfile], unreadable_times: Mapping[str, str], chosen: Mapping[str, str]
) -> Roles:
    """Guess the roles; `unreadable_times` are columns that are no time, `chosen` the roles that the user named."""
    split, values = _split(profiles)
    label, positive_when = _label([p for p in profiles if split is None or p.name != split.column], chosen.get("label"))
    free = [p for p in profiles if p.name not in {role.column for role in (label, split) if role}]
    user = _named(free, USERS, "user", chosen)
    item = _named([p for p in free if user is None or p.name != user.column], ITEMS, "item", chosen)
    keys = {role.column for role in (user, item) if role}
    time, times = _time([p for p in free if p.name not in keys], unreadable_times, chosen.get("time"))
    labels = [p for p in profiles if label is not None and p.name == label.column and p.kind == "text"]
    positive = (_positive_text(labels[0]),) if labels else ()
    return Roles(label, positive_when, user, item, time, split, values, positive, times)


def matches(patterns: Sequence[str] | str, name: str) -> int | None:
    """Return the position of the first pattern that a name has as a whole, or None."""
    every = (patterns,) if isinstance(patterns, str) else patterns
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace(" ", "_").replace("-", "_")
    return next((rank for rank, pattern in enumerate(every) if re.fullmatch(pattern, plain)), None)


def _label(profiles: Sequence[ColumnProfile], chosen: str | None) -> tuple[Role | None, str | None]:
    usable = {p.name: p for p in profiles if p.missing == 0 and _can_be_label(p)}
    if chosen is not None:
        profile = next(p for p in profiles if p.name == chosen)
        comparison, text = _clicks(profile)
        return Role(chosen, f"named by --label; {text}"), comparison
    ranked = sorted(
        ((rank, index, p) for index, p in enumerate(usable.values()) if (rank := matches(LABELS, p.name)) is not None),
        key=lambda candidate: candidate[:2],
    )
    binary = [p for p in usable.values() if _is_binary(p)]
    if ranked:
        profile = ranked[0][2]
        others = [p.name for rank, _, p in ranked[1:] if rank <= 2]
        comparison, text = _clicks(profile)
        reason = f"named like a label; {text}" + (f"; other candidates: {', '.join(others)}" if others else "")
        return Role(
            profile.name, reason, ambiguous=bool(others) or comparison is not None or profile.kind == "text"
        ), comparison
    if not binary:
        return None, None
    others = [p.name for p in binary[1:]]
    reason = "the first column with two values, 0 and 1" + (f"; others: {', '.join(others[:8])}" if others else "")
    return Role(binary[0].name, reason, ambiguous=True), None


def _can_be_label(profile: ColumnProfile) -> bool:
    if profile.kind == "text":
        return profile.distinct == 2
    return profile.kind == "boolean" or (profile.kind in ("integer", "number") and 2 <= profile.distinct <= 1000)


def _positive_text(profile: ColumnProfile) -> str:
    return next((text for text in profile.texts if POSITIVE_TEXTS.fullmatch(text.strip())), max(profile.texts))


def _is_binary(profile: ColumnProfile) -> bool:
    return profile.kind == "boolean" or (profile.kind == "integer" and profile.numbers.tolist() == [0, 1])


def _clicks(profile: ColumnProfile) -> tuple[str | None, str]:
    """Return `positiveWhen` where the values are not 0 and 1, and what they are."""
    if profile.kind == "boolean":
        return None, "values true and false"
    if profile.kind == "text":
        return (
            None,
            f"values {' and '.join(map(repr, profile.texts[:4]))}, of which {_positive_text(profile)!r} is a click",
        )
    if profile.numbers.tolist() == [0, 1]:
        return None, f"values 0 and 1, {profile.counts[1] / profile.counts.sum():.1%} of the rows are clicks"
    options = label_comparisons(np.repeat(profile.numbers, profile.counts))
    rating = matches(LABELS[3], profile.name) is not None and len(options) > 1
    comparison, share, _ = options[-1] if rating else options[0]
    low, high = profile.numbers[0], profile.numbers[-1]
    return comparison, f"values {low:g} to {high:g}, of which {comparison} makes {share:.1%} of the rows clicks"


def _named(
    profiles: Sequence[ColumnProfile], patterns: Sequence[str], role: str, chosen: Mapping[str, str]
) -> Role | None:
    if role in chosen:
        return Role(chosen[role], f"named by --{role}")
    ranked = [
        (rank, p)
        for p in profiles
        if (rank := matches(patterns, p.name)) is not None and p.kind in ("integer", "text") and 1 < p.distinct < p.rows
    ]
    if not ranked:
        return None
    best = min(rank for rank, _ in ranked)
    profile, *others = [p for rank, p in ranked if rank == best]
    meaning = "a session or device, which may stand for the user" if best > 0 and role == "user" else f"the {role}"
    reason = f"named like {meaning}" + (f"; other candidates: {', '.join(p.name for p in others)}" if others else "")
    return Role(profile.name, f"{reason}; {profile.distinct} values", ambiguous=best > 0 or bool(others))


def _time(
    profiles: Sequence[ColumnProfile], unreadable: Mapping[str, str], chosen: str | None
) -> tuple[Role | None, tuple[str, ...]]:
    ranked = sorted(
        ((rank, -p.distinct, index, p.name) for index, p in enumerate(profiles) if (rank := time_rank(p)) is not None)
    )
    names = tuple(name for *_, name in ranked)
    if chosen is not None:
        return Role(chosen, "named by --time"), tuple(dict.fromkeys((chosen, *names)))
    readable = [name for name in names if name not in unreadable]
    if not readable:
        return None, names
    others = [name for name in readable[1:] if name != readable[0]]
    reason = "named like the time of the row" + (f"; other candidates: {', '.join(others)}" if others else "")
    return Role(readable[0], reason, ambiguous=bool(others)), names


def time_rank(profile: ColumnProfile) -> int | None:
    """Return how likely a column is a time, 0 the most; None for a duration, an outcome or a small number."""
    rank = matches(TIMES, profile.name)
    if rank is None or profile.kind not in ("integer", "number", "text") or profile.missing > 0:
        return None
    if OUTCOMES.search(profile.name) and rank > 0:
        return None
    is_small = profile.kind != "text" and float(profile.numbers[-1]) < 100_000
    return None if rank > 0 and is_small else rank


def _split(profiles: Sequence[ColumnProfile]) -> tuple[Role | None, dict[str, str]]:
    for profile in profiles:
        if profile.kind != "text" or profile.missing > 0 or profile.distinct != 3:
            continue
        values = {
            name: text for name, allowed in SPLIT_VALUES.items() for text in profile.texts if text.lower() in allowed
        }
        if len(values) == 3:
            return Role(profile.name, "its values are the names of train, validation and test"), values
    return None, {}


def as_yaml_fields(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a Predefined split that differ from their defaults."""
    return {name: text for name, text in values.items() if text != name}
