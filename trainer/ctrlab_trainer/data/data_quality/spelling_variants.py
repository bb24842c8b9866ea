"""Ids that may be the same value in several spellings, such as 3 and 3.0 or 007 and 7.

Ids keep their spelling, so these count as different values. Usually they come from programs that write one column in
two ways, for instance as integers in one file and as floating-point numbers in another.
"""

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER: Final = r"^([+-]?)0*([0-9]+)(\.0*)?$"
"""A whole number with leading zeros, or zeros after the decimal point."""
TRUTH_VALUES: Final = ("True", "False", "TRUE", "FALSE")
"""Spellings of truth values other than the plain one."""


def spelling_variants(values: pa.Array) -> tuple[int, tuple[str, str]] | None:
    """Return how many of the distinct texts have another spelling of a whole number, and an example of two.

    Spellings differ in leading zeros, zeros after the decimal point, spaces around the text, and the case of truth
    values. None if there are none.
    """
    candidates = values.filter(_may_be_rewritten(values))
    if len(candidates) == 0:
        return None
    keys = _plain_spelling(candidates)
    already_plain = values.filter(pc.is_in(values, value_set=keys))
    texts = pa.concat_arrays([candidates, already_plain.filter(pc.invert(pc.is_in(already_plain, candidates)))])
    coded = _plain_spelling(texts).dictionary_encode()
    surplus = len(coded) - len(coded.dictionary)
    if surplus == 0:
        return None
    codes = np.asarray(coded.indices)
    order = np.argsort(codes, kind="stable")
    second = int(np.argmax(codes[order][1:] == codes[order][:-1])) + 1
    first, other = sorted(texts[int(order[index])].as_py() for index in (second - 1, second))
    return surplus, (first, other)


def _may_be_rewritten(values: pa.Array) -> pa.Array:
    """Return [values] whether a text can differ from its plain spelling; all operations are cheap for many texts."""
    masks = [pc.starts_with(values, prefix) for prefix in ("0", "-0", "+", " ", "\t")]
    masks += [pc.ends_with(values, suffix) for suffix in (" ", "\t", ".")]
    masks += [pc.match_substring(values, ".0"), pc.is_in(values, value_set=pa.array(TRUTH_VALUES))]
    return functools.reduce(pc.or_, masks)


def _plain_spelling(texts: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), NUMBER, r"\1\2")
    lower = pc.utf8_lower(plain)
    return pc.if_else(pc.is_in(lower, value_set=pa.array(["true", "false"])), lower, plain)


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
