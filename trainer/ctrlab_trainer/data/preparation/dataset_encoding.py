"""Encoding of source rows into train, validation and test, with everything fitted on train rows only.

The times, users, labels and splits of all rows are kept in memory, about twenty bytes per row. Features are fitted and
encoded one after the other in chunks of rows, and written to files.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.data_quality.spelling_variants import spelling_warnings
from ctrlab_trainer.data.encoders import Encoder, FittedEncoding, build_encoders, encode_rows, fit_features
from ctrlab_trainer.data.encoders.pretrained import VectorVocabulary
from ctrlab_trainer.data.encoders.stored_histories import StoredHistoryEncoder
from ctrlab_trainer.data.preparation.embedding_blocks import build_schema
from ctrlab_trainer.data.preparation.encoded_columns import EncodedColumns
from ctrlab_trainer.data.preparation.event_logs import event_log, history_arrays, item_tables
from ctrlab_trainer.data.preparation.source_columns import key_columns
from ctrlab_trainer.data.preparation.split_assembly import assemble_split
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import open_split
from ctrlab_trainer.data.readers.single_values import KEY_REMEDY, require_single_values
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize
from ctrlab_trainer.data.readers.table_matches import TableMatch
from ctrlab_trainer.data.sources.source_locations import TableFiles
from ctrlab_trainer.data.splits.click_labels import click_labels
from ctrlab_trainer.data.splits.negative_sampling import SourceClicks, item_features, rows_with_negatives
from ctrlab_trainer.data.splits.row_groups import row_groups
from ctrlab_trainer.data.splits.row_weights import normalized_weights, row_weights
from ctrlab_trainer.data.splits.split_rows import SplitRows
from ctrlab_trainer.data.splits.split_strategies import (
    SPLIT_NAMES,
    TRAIN,
    assign_splits,
    require_both_classes,
)
from ctrlab_trainer.data.times.row_times import RowTimes, TimeReading, Timestamps, read_times

ENCODER_VERSION: Final = "3"
"""Part of every data set's digest; increased whenever equal input would give different bytes.

2: exact mean and deviation of numbers. 3: canonical text of ids, one rule for missing values.
"""


class EncodedFeatures(NamedTuple):
    """Result of fitting and encoding all features."""

    schema: EncodedSchema
    fitted: dict[str, FittedEncoding]
    matches: Mapping[TableFiles, TableMatch]
    """Counts of rows with a partner by side table of the features."""


EncodeFeatures = Callable[
    [SourceTable, Dataset, NDArray[np.bool_], EncodedColumns, TimeReading | None], EncodedFeatures
]
"""Fits all features on train rows and writes their columns; see `encode_features`."""


def encode_dataset(
    table: SourceTable, dataset: Dataset, folder: Path | None = None, features: EncodeFeatures | None = None
) -> EncodedDataset:
    """Split and encode the rows into `folder/{train,valid,test}`; InvalidData if the rows do not allow it.

    `features` replaces `encode_features`; `table` then needs only the columns of `key_columns`. Without a folder the
    files are already deleted when this returns, and their space is freed together with the result.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="ctrlab-encode-") as name:
            return encode_dataset(table, dataset, Path(name), features)
    for name in key_columns(dataset):
        require_single_values(table, name, KEY_REMEDY)
    labels = click_labels(table, dataset.label)
    dated = None if dataset.time is None else read_times(table, dataset.time)
    times = _row_times(dated, dataset, table.rows)
    user_column = factorize(table.data[dataset.user]) if dataset.user is not None else None
    group_column = row_groups(table, dataset, user_column)
    split_of_row = assign_splits(
        table,
        dataset,
        times,
        None if user_column is None else user_column.codes,
        None if group_column is None else group_column.codes,
    )
    from_item = item_features(dataset, table)
    rows_by_split = rows_of_splits(table, dataset, labels, split_of_row, user_column)
    require_both_classes([rows.labels for rows in rows_by_split])
    weights = row_weights(table, dataset.weight)
    normalized = None if weights is None else normalized_weights(weights, rows_by_split[TRAIN].row)
    users = number_ids(user_column, split_of_row) if user_column is not None else None
    groups = number_ids(group_column, split_of_row) if group_column is not None else None
    spellings = None if user_column is None else next(spelling_warnings("the user column", user_column.values), None)
    is_feature = any(feature.source_column == dataset.user for feature in dataset.features)
    del user_column, group_column

    with tempfile.TemporaryDirectory(prefix="ctrlab-columns-") as name:
        columns = EncodedColumns(Path(name))
        schema, fitted, matches = (features or encode_features)(
            table, dataset, split_of_row == TRAIN, columns, None if dated is None else dated.reading
        )
        lookups = item_tables(schema, columns, np.flatnonzero(split_of_row == TRAIN), fitted)
        for index, split in enumerate(SPLIT_NAMES):
            rows = rows_by_split[index]
            (folder / split).mkdir(parents=True, exist_ok=True)
            assemble_split(folder / split, rows, columns, schema, from_item)
            arrays: dict[str, NDArray[Any]] = {"labels": rows.labels, "row_ids": rows.ids, **lookups}
            if users is not None:
                arrays["users"] = users[rows.row]
            if groups is not None:
                arrays["groups"] = groups[rows.row]
            if normalized is not None and dataset.weight is not None and (index == TRAIN or dataset.weight.metrics):
                arrays["weights"] = normalized[rows.row]
            if users is not None and times is not None and schema.logged_histories:
                log = event_log(index, split_of_row, users, times, labels, rows.row)
                arrays |= history_arrays(log, schema, columns, times, rows.row)
            for key, array in arrays.items():
                np.save(folder / split / f"{key}.npy", array, allow_pickle=False)
    for feature in schema.of_kind("categorical"):
        encoding = fitted[feature.name]
        if isinstance(encoding, VectorVocabulary) and feature.vectors is not None:
            np.save(folder / feature.vectors.file, encoding.vectors, allow_pickle=False)
    train, valid, test = (open_split(folder / split, schema) for split in SPLIT_NAMES)
    truth = table.true_probability
    return EncodedDataset(
        schema=schema,
        fitted={feature: encoding.record for feature, encoding in fitted.items() if encoding.kind != "history"},
        splits=(train, valid, test),
        true_probability=None if truth is None else tuple(truth[split.row_ids] for split in (train, valid, test)),
        source_rows=table.rows,
        lists=tuple(encoding.lists for encoding in fitted.values() if encoding.lists is not None),
        user_spellings=None if is_feature else spellings,
        times=None if dated is None else dated.values,
        time_format=None if dated is None else dated.format,
        matches=_all_matches({**table.matches, **matches}, fitted),
    )


def _all_matches(
    tables: Mapping[TableFiles, TableMatch], fitted: Mapping[str, FittedEncoding]
) -> tuple[TableMatch, ...]:
    """Return the counts for side tables by their names, then for files of vectors in the order of their features."""
    by_name = sorted(tables.values(), key=lambda match: match.record.statement)
    return (*by_name, *(encoding.match for encoding in fitted.values() if encoding.match is not None))


def _row_times(dated: RowTimes | None, dataset: Dataset, rows: int) -> Timestamps | None:
    """Return [rows] the time of each row, or its number if the source is in order of time; None without either."""
    if dated is not None:
        return dated.values
    return None if dataset.order is None else np.arange(rows, dtype=np.int64)


def encode_features(
    table: SourceTable,
    dataset: Dataset,
    in_train: NDArray[np.bool_],
    columns: EncodedColumns,
    times: TimeReading | None = None,
) -> EncodedFeatures:
    """Fit and encode the features one after the other, each with its own block of the fused table."""
    fitted: dict[str, FittedEncoding] = {}
    for group in _groups(build_encoders(dataset, times)):
        states = {name: observe_train_rows(encoder, table, in_train) for name, encoder in group.items()}
        fitted |= fit_features(group, states)
        del states
        schema = build_schema(dataset, fitted)
        for name, encoder in group.items():
            chunks = table.chunks(encoder.columns)
            columns.write(schema.feature(name), (encode_rows(name, encoder, chunk, fitted) for chunk in chunks))
    return EncodedFeatures(build_schema(dataset, fitted), fitted, table.matches)


def _groups(encoders: dict[str, Encoder]) -> Iterator[dict[str, Encoder]]:
    """Yield each feature together with its stored histories."""
    group: dict[str, Encoder] = {}
    for name, encoder in encoders.items():
        if group and not isinstance(encoder, StoredHistoryEncoder):
            yield group
            group = {}
        group[name] = encoder
    yield group


def observe_train_rows(encoder: Encoder, table: SourceTable, in_train: NDArray[np.bool_]) -> Any:
    """Return the encoder's state for the train rows, observed chunk by chunk."""
    chunks = table.chunks(encoder.columns)
    return encoder.merge([encoder.observe(chunk, in_train[chunk.first : chunk.first + chunk.rows]) for chunk in chunks])


def rows_of_splits(
    table: SourceTable,
    dataset: Dataset,
    labels: NDArray[np.uint8],
    split_of_row: NDArray[np.int8],
    users: CodedColumn | None,
) -> tuple[SplitRows, ...]:
    """Return the rows of train, validation and test: source rows and the negatives sampled for them."""
    if dataset.negatives is None or users is None:
        return tuple(
            SplitRows.observed(np.flatnonzero(split_of_row == split), labels) for split in range(len(SPLIT_NAMES))
        )
    source = SourceClicks(users, factorize(table.data[dataset.negatives.item]), labels, split_of_row)
    return tuple(rows_with_negatives(split, source, dataset.negatives) for split in range(len(SPLIT_NAMES)))


def number_ids(ids: CodedColumn, split_of_row: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return [rows] numbers of users or groups: those of train first, then new ones of validation, then of test, each
    by name.

    The numbers in train and validation therefore do not depend on which ids appear in a later split.
    """
    first_split = np.full(len(ids.values), len(SPLIT_NAMES), np.int8)
    np.minimum.at(first_split, ids.codes, split_of_row)
    names = np.array(ids.texts(), dtype=object)
    order = np.lexsort((names.astype(str), first_split))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[ids.codes]
