"""A prepared data set of one row, for tests that only check whether the data exist."""

from ctrlab_api.records import PreparedData, SplitSummary

SPLIT = SplitSummary(rows=1, positives=1, row_ids_digest="sha256:0", files={})
PREPARED = PreparedData(
    digest="sha256:da7a",
    encoder_version="1",
    sources=(),
    train=SPLIT,
    valid=SPLIT,
    test=SPLIT,
    vocabulary={},
    vocabulary_digest="sha256:0",
    embedding_rows=1,
)
