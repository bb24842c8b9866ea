"""Where the files of pre-trained vectors lie, and their digests."""

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import FileDigest
from ctrlab_api.resources.dataset import Dataset, SideTable
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.sources.source_locations import TableFiles, file_digests, table_files


def vector_file(feature: Feature, dataset: Dataset) -> TableFiles:
    """The parquet file of one feature, fetched if need be; InvalidData where it is absent or a folder of several."""
    assert feature.pretrained is not None
    place = [other.name for other in dataset.features].index(feature.name)
    field = f"spec.dataset.features[{place}].pretrained"
    key = feature.pretrained.key or feature.source_column
    table = table_files(SideTable(uri=feature.pretrained.uri, format="parquet", on=key), field)
    if len(table.files) > 1:
        raise InvalidData.at(f"{field}.uri", f"the folder holds {len(table.files)} files; give one parquet file")
    return table


def vector_digests(dataset: Dataset) -> tuple[FileDigest, ...]:
    """Of every feature's file, in the order of the features."""
    given = [feature for feature in dataset.features if feature.pretrained is not None]
    return tuple(found for feature in given for found in file_digests(vector_file(feature, dataset)))
