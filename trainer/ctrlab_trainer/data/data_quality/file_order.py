"""Warning about the order of a folder's files, where the order of rows has a meaning.

Files are sorted by name, character by character, so `part-10` comes before `part-2`. The order is part of the content
address of every prepared data set, so it is not changed; where it matters, the reader must know.
"""

import re
from itertools import pairwise

from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles


def file_order_warnings(dataset: Dataset, located: LocatedSource) -> list[str]:
    """Return a warning if rows are ordered by their files and the numbers in the names say another order."""
    if dataset.order is None or not isinstance(located.main, TableFiles):
        return []
    names = [located.main.file_name(index) for index in range(len(located.main.files))]
    first = next(((a, b) for a, b in pairwise(names) if _numeric_order(a) > _numeric_order(b)), None)
    if first is None:
        return []
    return [
        f"order: Rows follows the names of the files character by character, so the rows of {first[0]} come before "
        f"those of {first[1]}; if the numbers give the order, write them with leading zeros (part-02, part-10)"
    ]


def _numeric_order(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts digits in a name by their number."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
