"""Forms of a source's URI or path, and the format that its extension implies."""

import re

import pytest

from ctrlab_api.resources.data_sources import SCHEMES
from ctrlab_api.resources.source_uris import check_uri, format_of


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("data/clicks.csv", "csv"),
        ("s3://b/clicks.CSV.GZ", "csv"),
        ("file:///d/x.tsv.zst", "tsv"),
        ("x.parquet/", "parquet"),
        ("x.pq", "parquet"),
        ("x.ndjson", "jsonl"),
        ("x.jsonl.xz", "jsonl"),
        ("x.svm", "libsvm"),
        ("https://host/x.libsvm?version=1.2#top", "libsvm"),
        ("https://host/download?file=x.csv", "csv"),
        ("https://host/x.parquet?as=y.csv", "parquet"),
        ("x.txt", None),
        ("x.json", None),
        ("x.gz", None),
        ("csv", None),
        ("folder.csv/part", None),
        ("https://csv.host/x", None),
    ],
)
def test_only_an_unambiguous_extension_implies_a_format(uri: str, expected: str | None) -> None:
    assert format_of(uri) == expected


@pytest.mark.parametrize("uri", ["x.csv", "/d/x", "./a b#c?d%20.csv", "~/x", "a:b", "s3://b/k#1", "file:///d", "ü"])
def test_uris_and_paths_are_kept_as_written(uri: str) -> None:
    assert check_uri(uri, SCHEMES) == uri


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gs://bucket/x.csv", "gs://bucket/x.csv is neither a URI with one of file://, s3://"),
        ("http://host/x.csv", "neither a URI"),
        ("S3://bucket/x.csv", "neither a URI"),
        ("s3://", "neither a URI"),
        ("file:/data/x.csv", "write file:// with two slashes"),
        (r"C:\data\x.csv", "is a path of Windows"),
        ("C:/data/x.csv", "is a path of Windows"),
        (r"\\server\share\x.csv", "is a path of Windows"),
        (" ", "expected a URI, or a path"),
        ("a\0b", "NUL"),
    ],
)
def test_other_forms_are_rejected_with_what_is_allowed(uri: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_uri(uri, SCHEMES)
