"""Resources that are valid on one machine and rejected on a cluster, where no process has the files of a path."""

from typing import Final

from resource_examples.rejected_example import RejectedExample

MESSAGE: Final = "a path is for `ctrlab run` on one machine"
TABLE: Final = "spec.dataset.source.tables[0]"

REJECTED_ON_CLUSTERS: Final[dict[str, RejectedExample]] = {
    "a path of the source": RejectedExample(
        {"spec.dataset.source.uri": "data/clicks.csv"}, "spec.dataset.source", MESSAGE, "cluster"
    ),
    "a path of a side table": RejectedExample({f"{TABLE}.uri": "~/items.csv"}, TABLE, MESSAGE, "cluster"),
    "a path of vectors": RejectedExample(
        {"spec.dataset.features[1].pretrained": {"uri": "./items.parquet", "vector": "text"}},
        "spec.dataset.features[1].pretrained",
        MESSAGE,
        "cluster",
    ),
}
