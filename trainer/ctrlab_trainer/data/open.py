"""Opens what tuning may see: the schema, train and validation. Test has its own door, `ctrlab_trainer.seal`."""

from pathlib import Path

from ctrlab_contract.names import Key
from ctrlab_contract.records.prepared import PreparedData
from ctrlab_contract.store import Store
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.data.prepare import SCHEMA_FILE
from ctrlab_trainer.data.soundness import open_sound_split


def open_schema(folder: Path) -> EncodedSchema:
    """`schema.json` of a data set's folder."""
    return EncodedSchema.in_folder(folder, SCHEMA_FILE)


def open_train_valid(store_root: Store, prepared: PreparedData) -> tuple[EncodedSchema, EncodedSplit, EncodedSplit]:
    """The schema, train and validation, memory-mapped; ObjectNotFound if they are not in the store, InvalidData if they
    are not as the schema says."""
    folder = store_root.local_folder(Key.dataset(prepared.digest))
    schema = open_schema(folder)
    return schema, open_sound_split(folder / "train", schema), open_sound_split(folder / "valid", schema)
