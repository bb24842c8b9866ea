"""`builtin://synthetic`: clicks sampled from known probabilities, so the best possible AUC is known, too.

Each user sees one item per hour. The log-odds of a click are a sum of effects, each of which needs a kind of model:
  main effects of user and item (LR);
  segment x category and device x category, with all marginal effects removed (FM and above);
  segment x device x category, with all lower-order effects removed (deep and cross networks);
  the share of the item's category among the user's ten latest clicks (DIN and above), and whether that category
  follows the category clicked last in a fixed cycle, which depends on the order of the clicks (BST and above).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData, Problem
from ctrlab_api.schema_types import MAX_INT32

GENERATOR_VERSION: Final = "1"
"""Increased whenever equal options would give different rows."""

SEGMENTS: Final = 8
CATEGORIES: Final = 12
DEVICES: Final = 4
MEMORY: Final = 10
"""Number of latest clicks of a user that have an effect."""
START: Final = 1_700_000_000
"""Unix time of the first hour."""

LIMITS: Final = {
    "rows": (100, 50_000_000),
    "users": (2, 1_000_000),
    "items": (CATEGORIES, 1_000_000),
    "seed": (0, MAX_INT32),
}
"""Range of each option, both ends included."""


@dataclass(frozen=True)
class SyntheticOptions:
    """Options of the generator, from `spec.dataset.source.options`."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "user_id",
        "item_id",
        "segment",
        "category",
        "device",
        "hour",
        "timestamp",
        "click",
        "recent_categories",
    )

    rows: int = 200_000
    users: int = 2_000
    items: int = 500
    seed: int = 7

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> "SyntheticOptions":
        """Parse the options; InvalidData for an unknown option or a value out of its range."""
        problems: list[Problem] = []
        values: dict[str, int] = {}
        for name, text in options.items():
            where = f"spec.dataset.source.options.{name}"
            if name not in LIMITS:
                problems.append(Problem(where, f"unknown option; known: {', '.join(LIMITS)}"))
                continue
            low, high = LIMITS[name]
            if text.isascii() and text.isdigit() and low <= int(text) <= high:
                values[name] = int(text)
            else:
                problems.append(Problem(where, f"found {text!r}; allowed is a whole number from {low} to {high}"))
        if problems:
            raise InvalidData(problems)
        return cls(**values)

    def as_json(self) -> dict[str, int]:
        """Return the options, including defaults."""
        return asdict(self)


@dataclass(frozen=True)
class Effects:
    """Effects on the log-odds of a click."""

    user: NDArray[np.float64]
    item: NDArray[np.float64]
    segment_category: NDArray[np.float64]
    device_category: NDArray[np.float64]
    segment_device_category: NDArray[np.float64]

    INTERCEPT: ClassVar[float] = -0.9
    MATCH: ClassVar[float] = 3.0
    """Log-odds per unit share of the item's category among the latest clicks."""
    FOLLOWS: ClassVar[float] = 1.1
    """Log-odds if the category follows the category clicked last."""

    @classmethod
    def sample(cls, options: SyntheticOptions, random: np.random.Generator) -> "Effects":
        """Sample effects with standard deviations for which the best AUC is between .75 and .80."""
        return cls(
            user=random.normal(0, 0.25, options.users),
            item=random.normal(0, 0.35, options.items),
            segment_category=_interaction(random, 0.75, SEGMENTS, CATEGORIES),
            device_category=_interaction(random, 0.4, DEVICES, CATEGORIES),
            segment_device_category=_interaction(random, 0.4, SEGMENTS, DEVICES, CATEGORIES),
        )


RECENT: Final = "recent_categories"
"""Column of lists with the categories of the user's latest clicks, latest first."""


def generate_clicks(
    options: SyntheticOptions, columns: Collection[str] = SyntheticOptions.COLUMNS
) -> tuple[pa.Table, NDArray[np.float64]]:
    """Return the rows in order of time, and the true click probability of each: [rows].

    The column RECENT, which needs most of the memory, is left out if it is not in `columns`.
    """
    random = np.random.default_rng(options.seed)
    effects = Effects.sample(options, random)
    user_segment = random.integers(SEGMENTS, size=options.users)
    item_category = random.permutation(np.arange(options.items) % CATEGORIES)
    popularity = 1.0 / np.arange(1, options.items + 1) ** 0.7
    popularity /= popularity.sum()

    steps = -(-options.rows // options.users)
    shape = (steps, options.users)
    items = random.choice(options.items, size=shape, p=popularity).astype(np.int32)
    devices = random.integers(DEVICES, size=shape).astype(np.int8)
    uniform = random.random(shape)
    probability = np.empty(shape)
    recent = np.full((options.users, MEMORY), -1)
    lists = np.full((*shape, MEMORY), -1, np.int8) if RECENT in columns else None
    for step in range(steps):
        category = item_category[items[step]]
        if lists is not None:
            lists[step] = recent
        probability[step] = _probability(effects, user_segment, items[step], category, devices[step], recent)
        clicked = uniform[step] < probability[step]
        recent[clicked, 1:] = recent[clicked, :-1]
        recent[clicked, 0] = category[clicked]

    flat = slice(0, options.rows)
    user = np.tile(np.arange(options.users), steps)[flat]
    hour = np.repeat(np.arange(steps), options.users)[flat]
    item = items.ravel()[flat]
    data = pa.table(
        {
            "user_id": _names("u", user, options.users),
            "item_id": _names("i", item, options.items),
            "segment": _names("s", user_segment[user], SEGMENTS),
            "category": _names("c", item_category[item], CATEGORIES),
            "device": _names("d", devices.ravel()[flat], DEVICES),
            "hour": _names("h", hour % 24, 24),
            "timestamp": pa.array(START + hour * 3600, pa.int64()),
            "click": pa.array((uniform < probability).ravel()[flat].astype(np.int8)),
        }
    )
    if lists is not None:
        data = data.append_column(RECENT, _lists("c", lists.reshape(-1, MEMORY)[flat], CATEGORIES))
    return data, probability.ravel()[flat]


def _probability(
    effects: Effects,
    segment: NDArray[np.int64],
    item: NDArray[np.int32],
    category: NDArray[np.int64],
    device: NDArray[np.int8],
    recent: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the click probability of every user in one hour; `recent` [users, MEMORY] lists the categories clicked,
    latest first."""
    match = (recent == category[:, None]).mean(axis=1) - 1 / CATEGORIES
    follows = (category - recent[:, 0]) % CATEGORIES
    cycle = np.where(recent[:, 0] < 0, 0.0, np.where((follows >= 1) & (follows <= 3), 1.0, -1 / 3))
    odds = (
        Effects.INTERCEPT
        + effects.user
        + effects.item[item]
        + effects.segment_category[segment, category]
        + effects.device_category[device, category]
        + effects.segment_device_category[segment, device, category]
        + Effects.MATCH * match
        + Effects.FOLLOWS * cycle
    )
    return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def _interaction(random: np.random.Generator, deviation: float, *shape: int) -> NDArray[np.float64]:
    """Return a table whose mean over any axis is zero, so that no lower-order effect is left in it."""
    table = random.normal(0, 1, shape)
    for axis in range(table.ndim):
        table -= table.mean(axis=axis, keepdims=True)
    return np.asarray(table * (deviation / table.std()), np.float64)


def _lists(letter: str, codes: NDArray[np.int8], count: int) -> pa.ListArray:
    """Return [rows] lists of names for [rows, length] codes, which are -1 where a list has ended."""
    ends = np.cumsum((codes >= 0).sum(axis=1))
    names = _names(letter, codes[codes >= 0], count).dictionary_decode()
    return pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), names)


def _names(letter: str, codes: NDArray[np.signedinteger], count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array([f"{letter}{i}" for i in range(count)]))
