"""Facts about the lists of a column: lengths, missing elements, syntax, and values that look like padding.

The facts of groups of rows merge to those of all rows, in any order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import ListLengths
from ctrlab_trainer.data.encoders.encoder_protocol import FittedLists
from ctrlab_trainer.data.encoders.list_syntax import Syntax
from ctrlab_trainer.data.encoders.token_lists import ListColumns, TokenLists
from ctrlab_trainer.data.encoders.vocabulary import TextCounts
from ctrlab_trainer.data.readers.source_tables import SourceTable

DESCRIPTIONS: Final = {
    Syntax.SEPARATOR: "ids without brackets",
    Syntax.COMMAS_IN_BRACKETS: "brackets with commas",
    Syntax.SPACES_IN_BRACKETS: "brackets with spaces",
    Syntax.SEPARATOR_IN_BRACKETS: "brackets with the separator",
    Syntax.BRACKETS: "brackets",
}
COMPATIBLE: Final = (Syntax.COMMAS_IN_BRACKETS, Syntax.SPACES_IN_BRACKETS, Syntax.SEPARATOR_IN_BRACKETS)
OTHER_SEPARATORS: Final = "|;,^/"
MIN_PADDED_SHARE: Final = 0.5
"""A value that fills the end of more lists than this share looks like padding."""


@dataclass(frozen=True)
class EdgeRuns:
    """Values that fill one end of train's lists: they are there at least twice in a row in some list."""

    filled: TextCounts
    """Number of lists whose end consists of the value, at least twice."""
    elements: TextCounts
    """Number of elements at this end that are the value."""

    @classmethod
    def of(cls, lists: TokenLists, rows_per_list: NDArray[np.int64], *, at_end: bool) -> "EdgeRuns":
        """Count in lists with two tokens or more; `rows_per_list` is [lists]."""
        codes, list_of_token = lists.tokens.codes, lists.list_of_token
        if at_end:
            codes, list_of_token = codes[::-1], list_of_token[::-1]
        count = len(lists.tokens.values)
        first = np.ones(len(codes), bool)
        first[1:] = list_of_token[1:] != list_of_token[:-1]
        begins = np.flatnonzero(first)
        run = np.zeros(len(codes), np.int64)
        if len(codes):
            differs = codes != np.repeat(codes[begins], np.diff(np.append(begins, len(codes))))
            total = np.cumsum(differs)
            before = np.repeat(total[begins] - differs[begins], np.diff(np.append(begins, len(codes))))
            run = (total == before).astype(np.int64)
        lengths = np.add.reduceat(run, begins) if len(begins) else np.zeros(0, np.int64)
        weights = rows_per_list[list_of_token[begins]].astype(np.float64)
        long = lengths >= 2
        values = codes[begins]
        filled = np.bincount(values[long], weights=weights[long], minlength=count)
        elements = np.bincount(values, weights=weights * lengths, minlength=count)
        elements[filled == 0] = 0
        return cls(_counts(lists, filled), _counts(lists, elements))

    @classmethod
    def sum(cls, parts: Sequence["EdgeRuns"]) -> "EdgeRuns":
        """Add the counts of several groups of rows."""
        return cls(TextCounts.sum([part.filled for part in parts]), TextCounts.sum([part.elements for part in parts]))

    def padding(self, total: TextCounts, lists: int) -> tuple[str, float] | None:
        """Return the value that fills this end of most lists and is rare elsewhere, and the share of these lists."""
        if len(self.filled.values) == 0 or lists == 0:
            return None
        highest = self.filled.counts.max()
        value: str = min(self.filled.values.take(pa.array(np.flatnonzero(self.filled.counts == highest))).to_pylist())
        share = highest / lists
        at_edge, everywhere = self.elements.count(value), total.count(value)
        return (value, float(share)) if share > MIN_PADDED_SHARE and at_edge >= 0.9 * everywhere else None


def _counts(lists: TokenLists, counts: NDArray[Any]) -> TextCounts:
    return TextCounts.of(lists.tokens.values, counts.astype(np.int64))


@dataclass(frozen=True)
class ListFacts:
    """Facts of the lists of some rows."""

    rows: int
    truncated: int
    """Rows with more tokens than are kept."""
    longest: int
    missing: int
    padding: int
    train_rows: int
    """Rows of train whose list has two tokens or more."""
    beginning: EdgeRuns
    end: EdgeRuns
    syntaxes: tuple[tuple[int, str], ...] = ()
    """Each syntax with the location of a row."""
    divided: bool = False
    """Whether a text has several elements."""
    other_separators: tuple[int, ...] = ()
    """Rows with a token that has each of OTHER_SEPARATORS; with several tokens, at the end of a token."""

    @classmethod
    def of(
        cls, lists: TokenLists, source: ListColumns, rows: SourceTable, in_train: NDArray[np.bool_], length: int
    ) -> "ListFacts":
        """Describe the lists of some rows, of which those in train ([rows]) are searched for padding."""
        lengths, weights = lists.lengths, lists.rows_per_list
        in_train_rows = np.bincount(lists.codes[in_train], minlength=lists.count)
        facts = cls(
            rows=len(lists.codes),
            truncated=int(weights[lengths > length].sum()),
            longest=int(lengths.max(initial=0)),
            missing=int((weights * lists.missing).sum()),
            padding=int((weights * lists.padding).sum()),
            train_rows=int(in_train_rows[lengths >= 2].sum()),
            beginning=EdgeRuns.of(lists, in_train_rows, at_end=False),
            end=EdgeRuns.of(lists, in_train_rows, at_end=True),
            divided=bool((lengths > 1).any()),
        )
        if not lists.syntax.any():
            return facts
        seen = []
        for syntax in np.unique(lists.syntax[lists.syntax > 0]).tolist():
            row = int(np.argmax(lists.syntax[lists.codes] == syntax))
            seen.append((syntax, rows.location(row, source.columns[0])))
        return replace(facts, syntaxes=tuple(seen), other_separators=_other_separators(lists, weights))

    @classmethod
    def sum(cls, parts: Sequence["ListFacts"]) -> "ListFacts":
        """Merge the facts of several groups of rows."""
        return reduce(cls._merge, parts)

    def _merge(self, other: "ListFacts") -> "ListFacts":
        syntaxes = dict([*other.syntaxes, *self.syntaxes])
        separators = [self.other_separators, other.other_separators]
        counted = [counts for counts in separators if counts]
        return ListFacts(
            rows=self.rows + other.rows,
            truncated=self.truncated + other.truncated,
            longest=max(self.longest, other.longest),
            missing=self.missing + other.missing,
            padding=self.padding + other.padding,
            train_rows=self.train_rows + other.train_rows,
            beginning=EdgeRuns.sum([self.beginning, other.beginning]),
            end=EdgeRuns.sum([self.end, other.end]),
            syntaxes=tuple(sorted(syntaxes.items())),
            divided=self.divided or other.divided,
            other_separators=tuple(map(sum, zip(*counted, strict=True))) if counted else (),
        )

    def require_one_syntax(self) -> None:
        """Raise InvalidData for a column with lists in two syntaxes."""
        bracketed = [syntax for syntax, _ in self.syntaxes if syntax != Syntax.SEPARATOR]
        divided = [syntax for syntax in bracketed if syntax in COMPATIBLE]
        if len(bracketed) < len(self.syntaxes) and bracketed:
            first, second = int(Syntax.SEPARATOR), bracketed[0]
        elif len(divided) > 1:
            first, second = divided[0], divided[1]
        else:
            return
        locations = dict(self.syntaxes)
        raise InvalidData.at(
            locations[second],
            f"a list has {DESCRIPTIONS[Syntax(second)]}, and one at {locations[first]} has "
            f"{DESCRIPTIONS[Syntax(first)]}; write all lists of a column in the same way",
        )

    def fitted(
        self, feature: str, length: int, kept: Literal["First", "Latest"], total: TextCounts, source: ListColumns
    ) -> FittedLists:
        """Return record and warnings; `length` ids are kept of a list, and `total` counts the tokens of train."""
        record = ListLengths(
            feature=feature,
            rows=self.rows,
            longest=self.longest,
            max_length=length,
            truncated=self.truncated,
            kept=kept,
            missing=self.missing,
            padding=self.padding,
        )
        return FittedLists(record, tuple(self._warnings(record, total, source)))

    def _warnings(self, record: ListLengths, total: TextCounts, source: ListColumns) -> Iterator[str]:
        feature, length, kept = record.feature, record.max_length, record.kept
        if self.truncated:
            share = self.truncated / self.rows
            yield (
                f"feature {feature}: {self.truncated} of {self.rows} lists ({share:.1%}) have more "
                f"than maxLength {length} ids and keep the {kept.lower()} {length}; the longest has "
                f"{self.longest}"
            )
        for side, runs in (("end", self.end), ("beginning", self.beginning)):
            padding = runs.padding(total, self.train_rows)
            if padding is not None:
                yield (
                    f"feature {feature}: {padding[0]!r} fills the {side} of {padding[1]:.1%} of the lists of train and "
                    f"has an id like any other value; set padding: {padding[0]!r} if it means that there is no value"
                )
                break
        if source.padding is not None and not self.padding:
            yield f"feature {feature}: no list has the padding {source.padding!r}; write it as the lists have it"
        if self.missing:
            yield f"feature {feature}: {self.missing} elements of its lists are missing and left out"
        likely = self._likely_separator()
        if likely is not None:
            found = "ids end with" if self.divided else "no list has this separator, and most have"
            yield (
                f"feature {feature}: lists are divided at {source.separator!r}, but {found} {likely!r}; set separator: "
                f"{likely!r} if it divides the ids"
            )

    def _likely_separator(self) -> str | None:
        if not self.other_separators:
            return None
        most = int(np.argmax(self.other_separators))
        return OTHER_SEPARATORS[most] if self.other_separators[most] > 0.5 * self.rows else None


def _other_separators(lists: TokenLists, weights: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the number of rows with a token that has each of OTHER_SEPARATORS; if it has a neighbor, at its end."""
    alone = (lists.lengths == 1)[lists.list_of_token]

    def rows_with(separator: str) -> int:
        contains = np.asarray(pc.match_substring(lists.tokens.values, separator), bool)
        if not contains.any():
            return 0
        ends = np.asarray(pc.ends_with(lists.tokens.values, separator), bool)
        found = np.where(alone, contains[lists.tokens.codes], ends[lists.tokens.codes])
        return int(weights[np.unique(lists.list_of_token[found])].sum())

    return tuple(map(rows_with, OTHER_SEPARATORS))
