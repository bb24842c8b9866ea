"""Columns of lists as tokens: lists of parquet and JSON, lists in text, and numbered columns with one id each.

A missing element and the padding value are no tokens. Elements of typed lists have the canonical text of their value.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.encoders.list_syntax import InvalidList, split_lists
from ctrlab_trainer.data.readers.arrow_types import simplify
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.single_values import require_single_values
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize

DEFAULT_SEPARATOR: Final = " "
NUMBERED_REMEDY: Final = "numbered columns have one id each; name a column of lists as column"
NULL: Final = "\\N"
"""Text of a null in a typed list; it is always missing."""


@dataclass(frozen=True)
class TokenLists:
    """A column of lists of texts, with each distinct list once."""

    codes: NDArray[np.int32]
    """[rows] index of the row's list."""
    count: int
    """Number of lists."""
    list_of_token: NDArray[np.int64]
    """[tokens] index of the token's list, ascending."""
    tokens: CodedColumn
    """[tokens]"""
    missing: NDArray[np.int64]
    """[lists] number of elements that are missing; an empty text is not counted."""
    padding: NDArray[np.int64]
    """[lists] number of elements that are the padding value."""
    syntax: NDArray[np.int8]
    """[lists] a `Syntax` of lists in text, 0 for all others."""
    element: NDArray[np.int64] | None = None
    """[tokens] position of the token among all elements of its list, if requested."""
    elements: NDArray[np.int64] | None = None
    """[lists] number of all elements, if requested."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[lists] number of tokens."""
        return np.bincount(self.list_of_token, minlength=self.count)

    @property
    def rows_per_list(self) -> NDArray[np.int64]:
        """[lists] number of rows that have the list."""
        return np.bincount(self.codes, minlength=self.count)

    def counts(self, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return [distinct tokens] how often each occurs in some of the rows."""
        rows_per_list = np.bincount(self.codes[rows], minlength=self.count).astype(np.float64)
        weights = rows_per_list[self.list_of_token]
        return np.bincount(self.tokens.codes, weights=weights, minlength=len(self.tokens.values)).astype(np.int64)

    def matrix(self, ids: NDArray[np.int32], length: int, *, latest: bool = False) -> NDArray[np.int32]:
        """Return [rows, length] ids of the tokens of each row in their order, padded at the end with -1.

        `ids` are [distinct tokens]. Of a longer list the first tokens are kept, or with `latest` the last.
        """
        return self.table(ids[self.tokens.codes], length, latest=latest)[self.codes]

    def table(self, values: NDArray[np.int32], length: int, *, latest: bool) -> NDArray[np.int32]:
        """Return [lists, length] values of the tokens, padded at the end with -1."""
        lengths = self.lengths
        begins = np.cumsum(lengths) - lengths
        position = np.arange(len(self.list_of_token)) - begins[self.list_of_token]
        if latest:
            position -= np.maximum(lengths - length, 0)[self.list_of_token]
        kept = (position >= 0) & (position < length)
        matrix = np.full((self.count, length), -1, np.int32)
        matrix[self.list_of_token[kept], position[kept]] = values[kept]
        return matrix


@dataclass(frozen=True)
class ListColumns:
    """Where the lists of a feature are, and how to read them."""

    columns: tuple[str, ...]
    """One column of lists, or several columns with one id each."""
    separator: str = DEFAULT_SEPARATOR
    padding: str | None = None
    numbered: bool = False
    """Whether each column has one id."""
    with_positions: bool = False
    """Whether the positions of the tokens among all elements are requested."""

    def read(self, rows: SourceTable) -> TokenLists:
        """Return the lists; InvalidData with the row of a text that is no list."""
        if self.numbered:
            return self._merge(rows)
        column = rows.data[self.columns[0]]
        chunks = [simplify(chunk) for chunk in column.chunks]
        if chunks and pa.types.is_list(chunks[0].type):
            return self._typed(pa.chunked_array(chunks), rows.missing)
        distinct = factorize(column)
        try:
            lists = split_lists(distinct.values, self.separator)
        except InvalidList as error:
            row = int(np.argmax(distinct.codes == error.index))
            text = distinct.values[error.index].as_py()
            shown = text if len(text) <= 60 else f"{text[:57]}..."
            raise InvalidData.at(rows.location(row, self.columns[0]), f"{shown!r} {error}") from error
        elements = factorize(pa.chunked_array([lists.elements.flatten()], pa.string()))
        parents = np.asarray(pc.list_parent_indices(lists.elements))
        return self._select(distinct.codes, len(lists.elements), parents, elements, lists.syntax, rows.missing)

    def _typed(self, column: pa.ChunkedArray, missing: frozenset[str]) -> TokenLists:
        lists = pa.concat_arrays(column.chunks)
        flat = lists.flatten()
        coded = flat.dictionary_encode()
        texts = canonical_text(coded.dictionary).fill_null(NULL)
        texts = pc.if_else(pc.equal(texts, ""), NULL, texts)
        distinct = factorize(pa.chunked_array([pa.concat_arrays([texts, pa.array([NULL])])]))
        elements = CodedColumn(distinct.codes[np.asarray(coded.indices.fill_null(len(texts)))], distinct.values)
        codes = np.arange(len(lists), dtype=np.int32)
        parents = np.asarray(pc.list_parent_indices(lists))
        return self._select(codes, len(lists), parents, elements, np.zeros(len(lists), np.int8), missing)

    def _merge(self, rows: SourceTable) -> TokenLists:
        """Return one list per row, of the values of its columns; a missing value is no element of the list."""
        for name in self.columns:
            require_single_values(rows, name, NUMBERED_REMEDY)
        coded = [factorize(rows.data[name]) for name in self.columns]
        elements = factorize(pa.chunked_array([column.values for column in coded], pa.string()))
        begins = np.cumsum([0, *(len(column.values) for column in coded)])
        code_of = [elements.codes[begin:] for begin in begins[:-1]]
        by_row = np.stack([part[column.codes] for part, column in zip(code_of, coded, strict=True)], axis=1)
        parents = np.repeat(np.arange(rows.rows, dtype=np.int64), len(coded))
        codes = np.arange(rows.rows, dtype=np.int32)
        merged = CodedColumn(by_row.ravel(), elements.values)
        lists = self._select(codes, rows.rows, parents, merged, np.zeros(rows.rows, np.int8), rows.missing)
        absent = np.zeros(rows.rows, np.int64)
        return TokenLists(codes, rows.rows, lists.list_of_token, lists.tokens, absent, lists.padding, lists.syntax)

    def _select(
        self,
        codes: NDArray[np.int32],
        count: int,
        parents: NDArray[np.int64],
        elements: CodedColumn,
        syntax: NDArray[np.int8],
        missing_texts: frozenset[str],
    ) -> TokenLists:
        """Drop the elements that are missing or padding."""
        texts = elements.values
        empty = np.asarray(pc.equal(texts, ""), bool)
        missing = np.asarray(pc.is_in(texts, value_set=pa.array(sorted((missing_texts | {NULL}) - {""}))), bool)
        padding = np.zeros(len(texts), bool)
        if self.padding is not None:
            padding = np.asarray(pc.equal(texts, self.padding), bool)
        dropped = empty | missing | padding
        of_element = elements.codes

        def per_list(selected: NDArray[np.bool_]) -> NDArray[np.int64]:
            if not selected.any():
                return np.zeros(count, np.int64)
            return np.bincount(parents[selected[of_element]], minlength=count)

        missing_counts, padding_counts = per_list(missing & ~padding), per_list(padding)
        position, lengths = None, None
        if self.with_positions:
            lengths = np.bincount(parents, minlength=count)
            position = np.arange(len(parents)) - (np.cumsum(lengths) - lengths)[parents]
        if dropped.any():
            kept_texts = np.flatnonzero(~dropped)
            new_code = np.full(len(texts), -1, np.int32)
            new_code[kept_texts] = np.arange(len(kept_texts))
            of_element = new_code[of_element]
            kept = of_element >= 0
            of_element, parents, texts = of_element[kept], parents[kept], texts.take(pa.array(kept_texts))
            position = None if position is None else position[kept]
        tokens = CodedColumn(of_element, texts)
        return TokenLists(codes, count, parents, tokens, missing_counts, padding_counts, syntax, position, lengths)
