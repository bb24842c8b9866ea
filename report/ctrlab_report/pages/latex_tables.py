"""`tables.tex`: the report's tables for a paper, with booktabs; `\\input` it and cite the report's digest."""

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.records import ComparisonSummary, ModelSummary, ReportSummary
from ctrlab_report.formatting.number_formats import (
    MINUS,
    difference_decimals,
    format_difference,
    format_p,
    format_value,
    metric_decimals,
    metric_name,
)

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    MINUS: "$-$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
    "\u202f": r"\,",
}


def tables_tex(summary: ReportSummary) -> bytes:
    """Models with mean and sd over seeds, and the planned comparisons with both sources of variance."""
    parts = [
        "% Made by ctrlab; needs \\usepackage{booktabs}.",
        f"% Report {summary.digest}, plan {summary.plan_digest}.",
        *_models(summary),
    ]
    primary = [row for row in summary.comparisons if row.role == "primary"]
    if primary:
        parts += ["", *_comparisons(summary, primary)]
    return ("\n".join(parts) + "\n").encode()


def escape_latex(text: str) -> str:
    """Text with everything that LaTeX would read as a command made harmless."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _models(summary: ReportSummary) -> list[str]:
    heads = [f"{metric_name(name)}{_arrow(summary, name)}" for name in summary.metrics]
    return [
        r"\begin{table}",
        rf"\caption{{Test metrics on {escape_latex(summary.data_source)}: mean $\pm$ standard deviation over "
        rf"{len(summary.seeds)} seeds (ctrlab report \texttt{{{short_digest(summary.digest)}}}).}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) + 1)}}}",
        r"\toprule",
        rf"Model & {' & '.join(heads)} & Parameters \\",
        r"\midrule",
        *(_model(summary, model) for model in summary.models),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _model(summary: ReportSummary, model: ModelSummary) -> str:
    cells = [escape_latex(model.name)]
    for name in summary.metrics:
        test, decimals = model.metrics[name].test, metric_decimals(summary, name)
        spread = f" ± {test.sd:.{decimals}f}" if test is not None and test.sd is not None else ""
        cells.append(escape_latex(format_value(test.mean if test else None, decimals) + spread))
    cells.append("--" if model.parameters is None else f"{model.parameters:,}".replace(",", r"\,"))
    return f"{' & '.join(cells)} \\\\"


def _arrow(summary: ReportSummary, metric: str) -> str:
    found = next((row.direction for row in summary.comparisons if row.metric == metric), "none")
    return {"maximize": r" $\uparrow$", "minimize": r" $\downarrow$"}.get(found, "")


def _comparisons(summary: ReportSummary, rows: list[ComparisonSummary]) -> list[str]:
    percent = f"{100 * summary.confidence:.6g}"
    corrected = "not corrected" if summary.correction == "None" else f"corrected by {escape_latex(summary.correction)}"
    return [
        r"\begin{table}",
        rf"\caption{{Differences in {metric_name(summary.primary_metric)} over shared seeds. Intervals hold for new "
        rf"seeds and new test rows (Obuchowski--Rockette, Hillis' degrees of freedom); $p$ {corrected}.}}",
        r"\begin{tabular}{lrrrl}",
        r"\toprule",
        rf"Comparison & Difference & {percent}\,\% CI & $p$ & Verdict \\",
        r"\midrule",
        *(_comparison(row) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _comparison(row: ComparisonSummary) -> str:
    decimals, found = difference_decimals(row), row.population
    bounds = (
        f"[{format_difference(found.interval.low, decimals)}, {format_difference(found.interval.high, decimals)}]"
        if found
        else "–"
    )
    cells = (
        f"{row.a} {MINUS} {row.b}",
        format_difference(row.difference, decimals),
        bounds,
        format_p(found.p_adjusted if found else None),
        row.label or "–",
    )
    return f"{' & '.join(escape_latex(cell) for cell in cells)} \\\\"
