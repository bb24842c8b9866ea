"""Files of pre-trained vectors, and their digests."""

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import FileDigest
from ctrlab_api.resources.data_sources import SideTable
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.sources.source_locations import TableFiles, table_digests, table_files


def vector_file(feature: Feature, dataset: Dataset) -> TableFiles:
    """Return the parquet file of one feature, downloaded if needed; InvalidData if there is none or more than one."""
    assert feature.pretrained is not None
    index = [other.name for other in dataset.features].index(feature.name)
    field = f"spec.dataset.features[{index}].pretrained"
    key = feature.pretrained.key or feature.source_column
    table = table_files(SideTable(uri=feature.pretrained.uri, format="parquet", on=key), field)
    if len(table.files) > 1:
        raise InvalidData.at(f"{field}.uri", f"the folder contains {len(table.files)} files; expected one parquet file")
    return table


def vector_digests(dataset: Dataset) -> tuple[FileDigest, ...]:
    """Return the digest of every feature's file, in the order of the features."""
    with_vectors = [feature for feature in dataset.features if feature.pretrained is not None]
    return tuple(digest for feature in with_vectors for digest in table_digests(vector_file(feature, dataset)))
