"""Opening of the data that tuning may read: schema, train and validation. Only the trainer's seal module opens test."""

from pathlib import Path

from ctrlab_api.names import ObjectKey
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.dataset_files import SCHEMA_FILE
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.split_validation import open_validated_split


def open_schema(folder: Path) -> EncodedSchema:
    """Read `schema.json` from the folder of a prepared data set."""
    return EncodedSchema.in_folder(folder, SCHEMA_FILE)


def open_train_valid(store_root: Store, prepared: PreparedData) -> tuple[EncodedSchema, EncodedSplit, EncodedSplit]:
    """Return the schema, train and validation, memory-mapped.

    Raises ObjectNotFound if they are not in the store, InvalidData if they do not match the schema.
    """
    folder = store_root.local_folder(ObjectKey.dataset(prepared.digest))
    schema = open_schema(folder)
    return schema, open_validated_split(folder / "train", schema), open_validated_split(folder / "valid", schema)
