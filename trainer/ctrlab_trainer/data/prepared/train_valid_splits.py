"""Opens what tuning may see: the schema, train and validation. Test has its own door, `ctrlab_trainer.finals.seal`."""

from pathlib import Path

from ctrlab_api.names import ObjectKey
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSchema, EncodedSplit
from ctrlab_trainer.data.prepared.split_validation import open_validated_split
from ctrlab_trainer.data.preparing.preparation import SCHEMA_FILE


def open_schema(folder: Path) -> EncodedSchema:
    """`schema.json` of a data set's folder."""
    return EncodedSchema.in_folder(folder, SCHEMA_FILE)


def open_train_valid(store_root: Store, prepared: PreparedData) -> tuple[EncodedSchema, EncodedSplit, EncodedSplit]:
    """The schema, train and validation, memory-mapped; ObjectNotFound if they are not in the store, InvalidData if they
    are not as the schema says."""
    folder = store_root.local_folder(ObjectKey.dataset(prepared.digest))
    schema = open_schema(folder)
    return schema, open_validated_split(folder / "train", schema), open_validated_split(folder / "valid", schema)
