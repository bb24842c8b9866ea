"""The page of `ctrlab data inspect` contains the whole inspection and loads nothing."""

import re
from typing import get_args

from ctrlab_api.records.inspections import (
    FeatureStatistics,
    Inspection,
    InspectionWarning,
    SplitStatistics,
    TimeBin,
    WarningKind,
)
from ctrlab_api.records.prepared_data import MatchCount
from ctrlab_report.inspection.inspection_figures import draw_inspection_figures
from ctrlab_report.inspection.inspection_page import WARNING_HEADINGS, inspection_html

SPLITS = tuple(
    SplitStatistics.model_validate(
        {"name": name, "rows": 100, "positives": positives, "clickRate": positives / 100, "users": 7}
    )
    for name, positives in (("train", 50), ("valid", 40), ("test", 30))
)
INSPECTION = Inspection(
    name="shop",
    source="file:///clicks.csv",
    rows=300,
    split="Random by User",
    parts=SPLITS,
    features=(
        FeatureStatistics(
            name="item <b>", type="Categorical", distinct=20, vocabulary=15, missing=0.01,
            out_of_vocabulary_valid=0.1, out_of_vocabulary_test=0.2, auc=0.71,
        ),
        FeatureStatistics(name="tags", type="MultiCategorical", distinct=9, vocabulary=10, missing=0.5),
    ),
    timeline=(
        TimeBin(begins="2024-01-01", rows=(100, 20, 0), positives=(50, 10, 0)),
        TimeBin(begins="2024-01-02", rows=(0, 80, 100), positives=(0, 30, 30)),
    ),
    matches=(
        MatchCount(
            table="items.csv", column="item_id", rows=300, missing_rows=1, matched_rows=271, values=9, matched_values=8
        ),
    ),
    warnings=tuple(InspectionWarning(kind=kind, message=f"about {kind}") for kind in get_args(WarningKind)),
)  # fmt: skip


def test_every_split_feature_warning_and_figure_is_on_the_page() -> None:
    html = inspection_html(INSPECTION).decode()
    assert f"{len(WARNING_HEADINGS)} warnings about the data of shop" in html
    for kind, heading in WARNING_HEADINGS.items():
        assert f"<strong>{heading}:</strong> about {kind}" in html
    for text in ("item &lt;b&gt;", "tags", "0.7100", "20.0 %", "Random by User", "2024-01-02", "items.csv", "271"):
        assert text in html
    assert [figure.name for figure in draw_inspection_figures(INSPECTION)] == [
        "rows-over-time",
        "clicks-over-time",
        "single-features",
        "new-values",
    ]


def test_a_source_with_only_clicks_has_no_figure_of_click_rates() -> None:
    clicks = tuple(bin.model_copy(update={"positives": bin.rows}) for bin in INSPECTION.timeline)
    names = [figure.name for figure in draw_inspection_figures(INSPECTION.model_copy(update={"timeline": clicks}))]
    assert names == ["rows-over-time", "single-features", "new-values"]


def test_the_page_loads_nothing_and_is_the_same_for_the_same_inspection() -> None:
    html = inspection_html(INSPECTION).decode()
    assert inspection_html(INSPECTION).decode() == html
    loaded = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^">)]*)', html)
    assert [address for address in loaded if not address.startswith(("data:", "#"))] == []


def test_without_time_and_single_features_there_are_no_empty_figures() -> None:
    bare = INSPECTION.model_copy(update={"timeline": (), "features": INSPECTION.features[1:], "warnings": ()})
    assert draw_inspection_figures(bare) == []
    assert "No warnings about the data of shop" in inspection_html(bare).decode()
