"""Preparation of a data set: source -> encoded splits in the store, once per digest and then reused.

The test rows are written under the sealed prefix before train and validation, and a data set counts as prepared only
when both exist: after a crash at any moment, it is either complete or prepared again.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.canonical_json import canonical_json, digest, short_digest
from ctrlab_api.checks.column_roles import MIN_TWO_CLASS_UNITS
from ctrlab_api.errors import InvalidData, InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.prepared_data import FileDigest, PreparedData, SplitSummary
from ctrlab_api.records.source_changes import SourceFiles, describe_changes
from ctrlab_api.resources.dataset import Dataset
from ctrlab_store import Store
from ctrlab_trainer.data.data_quality.dataset_warnings import dataset_warnings
from ctrlab_trainer.data.data_quality.file_order import file_order_warnings
from ctrlab_trainer.data.data_quality.row_accounting import account_for_rows
from ctrlab_trainer.data.data_quality.row_hashes import row_hashes
from ctrlab_trainer.data.preparation.added_features import added_features, data_extension, relocate_to_added_features
from ctrlab_trainer.data.preparation.dataset_encoding import ENCODER_VERSION, encode_dataset
from ctrlab_trainer.data.preparation.feature_digests import feature_digests
from ctrlab_trainer.data.preparation.metric_requirements import require_defined_metrics, two_class_units
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc
from ctrlab_trainer.data.prepared.dataset_files import (
    ENCODERS_FILE,
    LABELS_FILE,
    PROBABILITY_FILE,
    RECORD_FILE,
    SCHEMA_FILE,
)
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles, locate
from ctrlab_trainer.data.sources.vector_files import vector_digests
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES

EncodeSource = Callable[[Dataset, LocatedSource, Path], EncodedDataset]
"""Encodes a located source into a folder."""


def prepare(plan: Plan, store_root: Store, key: ExperimentKey) -> PreparedData:
    """Ensure that the plan's data set is in the store, and write the experiment's `prepared.json`.

    A data set with the same digest is reused. Raises InvalidInput if the source cannot be used; then nothing is left in
    the store.
    """
    try:
        record = _record_of_parent(plan, store_root) or prepare_dataset(plan.dataset, store_root)
    except InvalidInput as error:
        raise relocate_to_added_features(error, plan) from None
    record = record.model_copy(update={"extends": data_extension(plan, store_root, record)})
    _require_unchanged(record, store_root, key)
    require_defined_metrics(plan.analysis.metrics, record)
    store_root.put(key.object_key(ObjectKey.PREPARED), record.to_json().encode())
    return record


def current_sources(dataset: Dataset) -> SourceFiles:
    """Return the files of the sources as they are now, in the order of `PreparedData.sources`."""
    return SourceFiles(files=(*locate(dataset.source).digests(), *vector_digests(dataset)))


def _record_of_parent(plan: Plan, store_root: Store) -> PreparedData | None:
    """Return the record of the parent experiment for an ablation on the same data set, which is in the store.

    The source may have changed since; the ablation must be compared on the rows that its experiment used.
    """
    if plan.parent is None or added_features(plan):
        return None
    parent = store_root.below(plan.parent.experiment)
    if not parent.exists(ObjectKey.PREPARED):
        return None
    record = PreparedData.model_validate_json(parent.get(ObjectKey.PREPARED))
    return record if _is_complete(store_root, record.digest) else None


def _require_unchanged(record: PreparedData, store_root: Store, key: ExperimentKey) -> None:
    """Raise InvalidData if the experiment has prepared other data before."""
    folder = store_root.below(key.prefix)
    if not folder.exists(ObjectKey.PREPARED):
        return
    earlier = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    changes = describe_changes(earlier, record.sources)
    if changes:
        raise InvalidData.at(
            "spec.dataset.source", f"the data changed since {key} prepared them: {changes}; run a new experiment"
        )


def prepare_dataset(dataset: Dataset, store_root: Store, encode: EncodeSource | None = None) -> PreparedData:
    """Ensure that a data set is in the store, and return its record.

    `encode` encodes a data set that is not in the store yet; the default encodes it on this machine.
    """
    located = locate(dataset.source)
    sources = (*located.digests(), *vector_digests(dataset))
    address = content_address(dataset, located, sources)
    if _is_complete(store_root, address):
        return PreparedData.model_validate_json(store_root.get(ObjectKey.dataset(address, RECORD_FILE)))
    return _encode_and_store(dataset, located, sources, address, store_root, encode or encode_locally)


def encode_locally(dataset: Dataset, located: LocatedSource, folder: Path) -> EncodedDataset:
    """Read and encode the source into `folder/{train,valid,test}`, one column at a time."""
    return encode_dataset(
        read_source(located, required_columns(dataset), numeric_columns(dataset), dataset.missing_texts),
        dataset,
        folder,
    )


def content_address(dataset: Dataset, located: LocatedSource, sources: tuple[FileDigest, ...]) -> str:
    """Return a digest (64 hexadecimal digits) of the source's bytes, format and meaning, and of the encoder's version.

    The location of the files is left out: the same bytes in another folder are the same data set.
    """
    tables = [table for table in (located.main, *located.sides) if isinstance(table, TableFiles)]
    content = {
        "encoder": ENCODER_VERSION,
        "sources": [source.model_dump(mode="json") for source in sources],
        "reading": [_reading(table) for table in tables],
        "dataset": dataset.model_dump(
            mode="json",
            by_alias=True,
            exclude_none=True,
            exclude={"source": True, "features": {"__all__": {"pretrained": {"uri"}}}},
        ),
    }
    return short_digest(digest(content), 64)


def _reading(table: TableFiles) -> list[object]:
    """Return the options that the columns of a table depend on; default ones that 0.1.0 lacked are left out."""
    reading: list[object] = [table.format, table.header, list(table.columns or ()), table.on]
    return reading if table.declared_syntax is None else [*reading, list(astuple(table.declared_syntax))]


def _is_complete(store: Store, address: str) -> bool:
    return store.exists(ObjectKey.dataset(address, RECORD_FILE)) and store.exists(
        ObjectKey.sealed(address, LABELS_FILE)
    )


def _encode_and_store(
    dataset: Dataset,
    located: LocatedSource,
    sources: tuple[FileDigest, ...],
    address: str,
    store: Store,
    encode: EncodeSource,
) -> PreparedData:
    with tempfile.TemporaryDirectory(prefix="ctrlab-prepare-") as name:
        folder = Path(name)
        encoded = encode(dataset, located, folder)
        _require_same_files(sources, located)
        encoders = canonical_json(dict(encoded.fitted))
        folders = {split: folder / split for split in SPLIT_NAMES}
        if encoded.true_probability is not None:
            for split_folder, probability in zip(folders.values(), encoded.true_probability, strict=True):
                np.save(split_folder / PROBABILITY_FILE, probability, allow_pickle=False)
        hashes = row_hashes(encoded)
        warnings = (*dataset_warnings(dataset, encoded, hashes), *file_order_warnings(dataset, located))
        record = _record(encoded, encoders, folders, sources, address, warnings)
        record = record.model_copy(update={"rows": account_for_rows(encoded, hashes)})
        (folder / SCHEMA_FILE).write_text(encoded.schema.to_json())
        (folder / ENCODERS_FILE).write_bytes(encoders)
        (folder / RECORD_FILE).write_text(record.to_json())
        store.put_folder(ObjectKey.sealed(address), folders["test"])
        shutil.rmtree(folders["test"])
        store.put_folder(ObjectKey.dataset(address), folder)
    return record


def _require_same_files(before: tuple[FileDigest, ...], located: LocatedSource) -> None:
    """Raise InvalidData if a file changed while it was read: its digest would belong to other rows.

    A file that disappeared after it was read does no harm.
    """
    try:
        after = located.digests()
    except InvalidInput:
        return
    changed = ", ".join(old.name for old, new in zip(before, after, strict=False) if old.sha256 != new.sha256)
    if changed:
        raise InvalidData.at(changed, "changed while it was read; prepare the data again when nothing writes to it")


def _record(
    encoded: EncodedDataset,
    encoders: bytes,
    folders: dict[str, Path],
    sources: tuple[FileDigest, ...],
    address: str,
    warnings: tuple[str, ...],
) -> PreparedData:
    train, valid, test = (
        _summary(split, folder, encoded.schema) for split, folder in zip(encoded.splits, folders.values(), strict=True)
    )
    optimum = None
    if encoded.true_probability is not None:
        optimum = {
            split: bayes_auc(encoded.splits[index].labels, encoded.true_probability[index])
            for index, split in enumerate(("train", "valid"))
        }
    return PreparedData(
        digest=address,
        encoder_version=ENCODER_VERSION,
        sources=sources,
        train=train,
        valid=valid,
        test=test,
        vocabulary={
            feature.name: feature.size
            for feature in encoded.schema.features
            if feature.kind not in ("history", "vector")
        },
        vocabulary_digest=digest(encoders),
        embedding_rows=encoded.schema.embedding_rows,
        bayes_optimal=optimum,
        lists=tuple(lists.record for lists in encoded.lists) or None,
        time_format=encoded.time_format,
        matches=tuple(match.record for match in encoded.matches) or None,
        warnings=warnings,
    )


def _summary(split: EncodedSplit, folder: Path, schema: EncodedSchema) -> SplitSummary:
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    return SplitSummary(
        rows=split.rows,
        positives=int(split.labels.sum(dtype=np.int64)),
        users=None if split.users is None else len(np.unique(split.users)),
        users_with_both_classes=_with_both_classes(split, split.users, folder.name),
        groups=None if split.groups is None else len(np.unique(split.groups)),
        groups_with_both_classes=_with_both_classes(split, split.groups, folder.name),
        row_ids_digest=digest(_bytes(np.sort(split.row_ids))),
        files=files,
        features=feature_digests(split, schema),
    )


def _with_both_classes(split: EncodedSplit, ids: NDArray[np.int32] | None, name: str) -> int | None:
    """Return the number of users or groups with both classes; for test no more than shows that gauc is defined."""
    if ids is None or name == "train":
        return None
    count = two_class_units(split, ids)
    return min(count, MIN_TWO_CLASS_UNITS) if name == "test" else count


def _bytes(numbers: NDArray[np.int64]) -> bytes:
    return numbers.astype("<i8").tobytes()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
