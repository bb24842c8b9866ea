"""The few Arrow types that columns have after reading, and the conversion of all others to them.

Columns are text (plain or dictionary-encoded), integers, floating-point numbers, decimals, booleans, dates, timestamps,
times of day, nulls, and lists of these. Equal values of other layouts (views, large or fixed-size lists, run-end
encoded and nested dictionaries, extension types) become these types, so that the code behind the readers knows no
others.
"""

from typing import Final
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DICTIONARY_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
"""Type of text columns: each distinct value once per batch."""


class UnreadableType(Exception):
    """A column has a type that no feature or key can use; the message says which, and what to write instead."""

    def __init__(self, kind: pa.DataType, remedy: str) -> None:
        super().__init__(f"has the type {kind}, which cannot be read; {remedy}")


class UnreadableValue(Exception):
    """A value of a column cannot be read."""

    def __init__(self, row: int, message: str) -> None:
        self.row = row
        """Position of the value in the array."""
        super().__init__(message)


def simplify(values: pa.Array) -> pa.Array:
    """Convert an array to one of the types of this module; the values stay the same.

    UnreadableType for a type without equivalent, UnreadableValue for bytes that are not UTF-8.
    """
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _simplify_extension(values)
    if pa.types.is_dictionary(kind):
        return _simplify_dictionary(values)
    if pa.types.is_run_end_encoded(kind):
        return simplify(pc.run_end_decode(values))
    if _is_text(kind):
        return values if pa.types.is_string(kind) else values.cast(pa.string())
    if _is_binary(kind):
        return _decode(values)
    if _is_list(kind):
        return _simplify_list(values)
    if pa.types.is_decimal(kind):
        wide = pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind)
        return values if wide else values.cast(pa.decimal128(kind.precision, kind.scale))
    if pa.types.is_float16(kind):  # Arrow mixes up the values when it unifies dictionaries of this type
        return values.cast(pa.float32())
    if pa.types.is_date64(kind):
        return values.cast(pa.date32(), safe=False)
    if _is_plain(kind):
        return values
    raise UnreadableType(kind, _remedy(kind))


def widen_integers(values: pa.Array) -> pa.Array:
    """Convert integers of fewer than 64 bits, also in lists, to int64, so that files of one table have one type."""
    kind = values.type
    if pa.types.is_list(kind) and _is_narrow(kind.value_type):
        return values.cast(pa.list_(pa.int64()))
    return values.cast(pa.int64()) if _is_narrow(kind) else values


def _is_narrow(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind)) and kind.bit_width < 64


def is_nested_list(kind: pa.DataType) -> bool:
    """Return whether a type is a list of lists."""
    return _is_list(kind) and _is_list(kind.value_type)


def _simplify_extension(values: pa.ExtensionArray) -> pa.Array:
    storage = values.storage
    if values.type.extension_name == "arrow.uuid":
        texts = [None if value is None else str(UUID(bytes=value)) for value in storage.to_pylist()]
        return pa.array(texts, pa.string())
    if values.type.extension_name == "arrow.bool8":
        return storage.cast(pa.bool_())
    return simplify(storage)


def _simplify_dictionary(values: pa.DictionaryArray) -> pa.Array:
    if pa.types.is_string(values.type.value_type):
        return values if values.type == DICTIONARY_TEXT else values.cast(DICTIONARY_TEXT)
    try:
        distinct = simplify(values.dictionary)
    except UnreadableValue as error:
        used = np.asarray(values.indices.cast(pa.int64()).fill_null(-1))
        raise UnreadableValue(int(np.argmax(used == error.row)), str(error)) from error
    if pa.types.is_string(distinct.type):
        return pa.DictionaryArray.from_arrays(values.indices.cast(pa.int32()), distinct)
    return simplify(distinct.take(values.indices))


def _simplify_list(values: pa.Array) -> pa.Array:
    kind = values.type
    if is_nested_list(kind):
        raise UnreadableType(kind, "write one list per row, without lists in it")
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # Arrow's cast of a list view loses the rows after a null.
        lengths = np.asarray(pc.list_value_length(values).fill_null(0), np.int64)
        elements = pc.list_flatten(values)
    else:
        values = values if pa.types.is_list(kind) else values.cast(pa.list_(kind.value_type))
        lengths = np.asarray(pc.list_value_length(values).fill_null(0), np.int64)
        elements = values.flatten()
    try:
        # The elements of a list of nulls have the wrong length in Arrow.
        simple = simplify(elements) if elements.type != pa.null() else pa.nulls(int(lengths.sum()), pa.string())
    except UnreadableValue as error:
        row = int(np.searchsorted(np.cumsum(lengths), error.row, side="right"))
        raise UnreadableValue(row, str(error)) from error
    except UnreadableType as error:
        raise UnreadableType(kind, _remedy(kind.value_type)) from error
    if pa.types.is_dictionary(simple.type):
        simple = simple.dictionary_decode()
    if pa.types.is_list(kind) and simple is elements:
        return values
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    mask = values.is_null() if values.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), simple, mask=mask)


def _decode(values: pa.Array) -> pa.Array:
    """Convert bytes to text."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        for row, value in enumerate(values.to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                shown = value[:16].hex(" ") + (" ..." if len(value) > 16 else "")
                raise UnreadableValue(
                    row, f"found the bytes {shown}, which are not UTF-8 text; write text, or an integer per value"
                ) from None
        raise


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_date32(kind)
        or types.is_timestamp(kind)
        or types.is_time(kind)
    )


def _remedy(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "write each field of the struct as a column"
    if pa.types.is_map(kind):
        return "write one column per key, or a list of the keys"
    if pa.types.is_duration(kind):
        return "write durations as numbers, for instance of seconds"
    if pa.types.is_interval(kind):
        return "write intervals as numbers, for instance of days"
    return "write text, numbers, booleans, dates, or lists of these"
