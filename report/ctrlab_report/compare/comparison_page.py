"""A comparison of experiments as files: JSON, Markdown, one self-contained HTML page, and its figure by itself."""

from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_api.records import ConfidenceInterval
from ctrlab_report.compare.comparison_markdown import comparison_markdown, comparison_title
from ctrlab_report.compare.comparison_result import AcrossDataSets, ExperimentsComparison, ModelPair
from ctrlab_report.figures.canvas import SVG_CLASSES, Figure
from ctrlab_report.figures.critical_difference_diagram import critical_difference_diagram
from ctrlab_report.figures.forest_plots import ForestRow, forest_plot
from ctrlab_report.formatting.number_formats import (
    MINUS,
    decimals_for_spread,
    format_p_clause,
    format_value,
    metric_name,
)
from ctrlab_report.pages.rendering import template_environment
from ctrlab_report.statistics.method_registry import METHODS


def comparison_files(found: ExperimentsComparison) -> dict[str, bytes]:
    """Contents by file name."""
    drawn = figures(found)
    return {
        "comparison.json": found.to_json().encode(),
        "comparison.md": comparison_markdown(found).encode(),
        "comparison.html": page(found, drawn),
        **{f"{name}.svg": figure.svg_file() for name, figure in drawn.items()},
    }


def page(found: ExperimentsComparison, drawn: dict[str, Figure]) -> bytes:
    """One self-contained HTML file."""
    used = dict.fromkeys([*(pair.method for pair in found.pairs), *_methods(found)])
    content = {
        "found": found,
        "title": comparison_title(found),
        "metric": metric_name(found.metric),
        "answer": answer(found.across) if found.across else "",
        "figures": drawn,
        "methods": {name: METHODS[name] for name in used if name in METHODS},
        "svg_classes": SVG_CLASSES,
    }
    return template_environment(html=True).get_template("comparison.html.j2").render(content).encode()


def _methods(found: ExperimentsComparison) -> tuple[str, ...]:
    if found.splits is not None:
        return (*(pair.method for pair in found.splits.pairs), "adjust-holm")
    return found.across.methods if found.across is not None else ()


def answer(across: AcrossDataSets) -> str:
    """What the tests over data sets say, in one sentence."""
    if across.refused is not None:
        return f"No test over data sets: {across.refused}"
    count = len(across.values)
    ranked = sorted(zip(across.mean_ranks, across.models, strict=True))
    listed = ", ".join(f"{model} {format_value(rank, 2)}" for rank, model in ranked)
    apart = "is open" if any(len(group) == len(across.models) for group in across.groups) else "is shown for some pairs"
    return (
        f"Mean ranks over {count} data sets: {listed} (1 is best; Friedman {format_p_clause(across.friedman_p)}). "
        f"Whether two models differ {apart}: the critical difference is {format_value(across.critical_difference, 2)}."
    )


def figures(found: ExperimentsComparison) -> dict[str, Figure]:
    """The forest plot of pairs, or the diagram of mean ranks."""
    across = found.across
    if across is None:
        drawn = _forest(found)
        return {drawn.name: drawn} if drawn else {}
    if across.critical_difference is None:
        return {}
    diagram = critical_difference_diagram(
        across.models, across.mean_ranks, across.critical_difference, across.groups, len(across.values)
    )
    return {diagram.name: diagram}


def _forest(found: ExperimentsComparison) -> Figure | None:
    name, higher = metric_name(found.metric), METRIC_DIRECTIONS[found.metric] == "maximize"  # type: ignore[index]
    bars = [
        ForestRow(
            f"{pair.a} {MINUS} {pair.b}",
            pair.difference,
            decimals_for_spread(pair.se or 0.0),
            _interval(found, pair, pair.low, pair.high),
            _interval(found, pair, pair.simultaneous_low, pair.simultaneous_high),
            None,
        )
        for pair in found.pairs
        if pair.difference is not None
    ]
    first, second = ("second", "first") if higher else ("first", "second")
    sides = (f"◂ {first} named is better", f"{second} named is better ▸")
    comparison_title = f"Differences in {name}"
    return (
        forest_plot("forest", comparison_title, f"difference in {name}", sides, bars, found.margin, found.confidence)
        if bars
        else None
    )


def _interval(
    found: ExperimentsComparison, pair: ModelPair, low: float | None, high: float | None
) -> ConfidenceInterval | None:
    if low is None or high is None:
        return None
    return ConfidenceInterval(low=low, high=high, confidence=found.confidence, method=pair.method)
