"""Renders a comparison of experiments as files: JSON, Markdown, one self-contained HTML page, and its figure."""

from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_api.records import ConfidenceInterval
from ctrlab_report.compare.comparison_markdown import comparison_markdown, comparison_title
from ctrlab_report.compare.comparison_result import AcrossDataSets, ExperimentsComparison, ModelPair
from ctrlab_report.figures.canvas import SVG_CLASSES, Figure
from ctrlab_report.figures.critical_difference_diagram import critical_difference_diagram
from ctrlab_report.figures.forest_plots import ForestRow, forest_plot, side_labels
from ctrlab_report.formatting.number_formats import (
    MINUS,
    decimals_for_spread,
    format_p_clause,
    format_value,
    metric_name,
)
from ctrlab_report.pages.rendering import template_environment
from ctrlab_report.statistics.method_registry import METHODS


def comparison_files(comparison: ExperimentsComparison) -> dict[str, bytes]:
    """Return the content of each file by its name."""
    figures = _draw_figures(comparison)
    return {
        "comparison.json": comparison.to_json().encode(),
        "comparison.md": comparison_markdown(comparison).encode(),
        "comparison.html": _html_page(comparison, figures),
        **{f"{name}.svg": figure.svg_file() for name, figure in figures.items()},
    }


def _html_page(comparison: ExperimentsComparison, figures: dict[str, Figure]) -> bytes:
    used_methods = dict.fromkeys([*(pair.method for pair in comparison.pairs), *_test_methods(comparison)])
    content = {
        "comparison": comparison,
        "title": comparison_title(comparison),
        "metric": metric_name(comparison.metric),
        "answer": _data_set_sentence(comparison.across) if comparison.across else "",
        "figures": figures,
        "methods": {name: METHODS[name] for name in used_methods if name in METHODS},
        "svg_classes": SVG_CLASSES,
    }
    return template_environment(html=True).get_template("comparison.html.j2").render(content).encode()


def _test_methods(comparison: ExperimentsComparison) -> tuple[str, ...]:
    if comparison.splits is not None:
        return (*(pair.method for pair in comparison.splits.pairs), "adjust-holm")
    return comparison.across.methods if comparison.across is not None else ()


def _data_set_sentence(across: AcrossDataSets) -> str:
    """Return the result of the tests over data sets."""
    if across.refused is not None:
        return f"No test over data sets: {across.refused}"
    ranked = sorted(zip(across.mean_ranks, across.models, strict=True))
    listed = ", ".join(f"{model} {format_value(rank, 2)}" for rank, model in ranked)
    none_differ = any(len(group) == len(across.models) for group in across.groups)
    conclusion = "No pair of models differs" if none_differ else "Some pairs of models differ"
    return (
        f"Mean ranks over {len(across.values)} data sets: {listed} (1 is best; Friedman "
        f"{format_p_clause(across.friedman_p)}). {conclusion} by more than the critical difference of "
        f"{format_value(across.critical_difference, 2)}."
    )


def _draw_figures(comparison: ExperimentsComparison) -> dict[str, Figure]:
    """Return the forest plot of pairs, or the critical-difference diagram, by name."""
    across = comparison.across
    if across is None:
        forest = _draw_forest_plot(comparison)
        return {forest.name: forest} if forest else {}
    if across.critical_difference is None:
        return {}
    diagram = critical_difference_diagram(
        across.models, across.mean_ranks, across.critical_difference, across.groups, len(across.values)
    )
    return {diagram.name: diagram}


def _draw_forest_plot(comparison: ExperimentsComparison) -> Figure | None:
    rows = [
        ForestRow(
            name=f"{pair.a} {MINUS} {pair.b}",
            estimate=pair.difference,
            decimals=decimals_for_spread(pair.se or 0.0),
            new_data=_interval(comparison, pair, pair.low, pair.high),
            simultaneous=_interval(comparison, pair, pair.simultaneous_low, pair.simultaneous_high),
            this_test_set=None,
        )
        for pair in comparison.pairs
        if pair.difference is not None
    ]
    if not rows:
        return None
    name = metric_name(comparison.metric)
    higher_is_better = METRIC_DIRECTIONS[comparison.metric] == "maximize"  # type: ignore[index]
    return forest_plot(
        "forest",
        f"Differences in {name}",
        f"difference in {name}",
        side_labels(higher_is_better=higher_is_better),
        rows,
        comparison.margin,
        comparison.confidence,
    )


def _interval(
    comparison: ExperimentsComparison, pair: ModelPair, low: float | None, high: float | None
) -> ConfidenceInterval | None:
    if low is None or high is None:
        return None
    return ConfidenceInterval(low=low, high=high, confidence=comparison.confidence, method=pair.method)
