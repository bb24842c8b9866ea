"""Kubernetes' compressed lists of the indexes of a Job, such as `1,3-5`."""

from collections.abc import Iterable


def parse_indexes(text: str) -> frozenset[int]:
    """Parse a compressed list; empty text is an empty list. ValueError for any other text."""
    indexes: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        indexes |= set(range(int(first), int(last or first) + 1))
    return frozenset(indexes)


def compress_indexes(indexes: Iterable[int]) -> str:
    """Return the compressed list of indexes, which is sorted."""
    ranges: list[list[int]] = []
    for index in sorted(set(indexes)):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
