"""Ids that may be the same value in several spellings, such as 3 and 3.0 or 007 and 7.

Ids keep their spelling, so these count as different values. Usually they come from programs that write one column in
two ways, for instance as integers in one file and as floating-point numbers in another.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER: Final = r"^([+-]?)0*([0-9]+)(\.0*)?$"
"""A whole number with leading zeros, or zeros after the decimal point."""


def spelling_variants(values: pa.Array) -> tuple[int, tuple[str, str]] | None:
    """Return how many of the distinct texts have another spelling of a whole number, and an example of two.

    Spellings differ in leading zeros, zeros after the decimal point, spaces around the text, and the case of truth
    values. None if there are none.
    """
    trimmed = pc.utf8_trim_whitespace(values)
    plain = pc.replace_substring_regex(trimmed, NUMBER, r"\1\2")
    lower = pc.utf8_lower(plain)
    truth = pc.is_in(lower, value_set=pa.array(["true", "false"]))
    keys = pc.if_else(truth, lower, plain).dictionary_encode()
    surplus = len(keys) - len(keys.dictionary)
    if surplus == 0:
        return None
    codes = np.asarray(keys.indices)
    order = np.argsort(codes, kind="stable")
    second = int(np.argmax(codes[order][1:] == codes[order][:-1])) + 1
    return surplus, (values[int(order[second - 1])].as_py(), values[int(order[second])].as_py())


def spelling_warnings(name: str, values: pa.Array) -> Iterator[str]:
    """Yield a warning about the distinct texts of a column or feature, called `name`."""
    variants = spelling_variants(values)
    if variants is not None:
        count, (first, second) = variants
        plural = "value is" if count == 1 else "values are"
        yield (
            f"{name}: {count} {plural} written in more than one way, such as {first!r} and {second!r}, which count as "
            "different values; write every value in one way if they mean the same"
        )
