"""`tables.tex`: the tables of a report for a paper; `\\input` the file and cite the digest of the report."""

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.records import ComparisonSummary, ModelSummary, ReportSummary
from ctrlab_report.formatting.number_formats import (
    ABSENT,
    MINUS,
    difference_decimals,
    format_difference,
    format_p,
    format_value,
    metric_decimals,
    metric_name,
)

_ESCAPES = {
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
    ABSENT: "--",
    "<": "$<$",
    ">": "$>$",
    "\u202f": r"\,",
}


def tables_tex(summary: ReportSummary) -> bytes:
    """Return a table of the models (mean and sd over seeds) and one of the planned comparisons."""
    parts = [
        "% Made by ctrlab; needs \\usepackage{booktabs}.",
        f"% Report {summary.digest}, plan {summary.plan_digest}.",
        *_model_table(summary),
    ]
    primary = [row for row in summary.comparisons if row.role == "primary"]
    if primary:
        parts += ["", *_comparison_table(summary, primary)]
    return ("\n".join(parts) + "\n").encode()


def escape_latex(text: str) -> str:
    """Return the text with every character escaped that LaTeX would read as a command."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _model_table(summary: ReportSummary) -> list[str]:
    headings = [f"{metric_name(name)}{_direction_arrow(summary, name)}" for name in summary.metrics]
    return [
        r"\begin{table}",
        rf"\caption{{Test metrics on {escape_latex(summary.data_source)}: mean $\pm$ standard deviation over "
        rf"{len(summary.seeds)} seeds (ctrlab report \texttt{{{short_digest(summary.digest)}}}).}}",
        rf"\begin{{tabular}}{{l{'r' * (len(headings) + 1)}}}",
        r"\toprule",
        rf"Model & {' & '.join(headings)} & Parameters \\",
        r"\midrule",
        *(_model_row(summary, model) for model in summary.models),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _model_row(summary: ReportSummary, model: ModelSummary) -> str:
    cells = [escape_latex(model.name)]
    for name in summary.metrics:
        test, decimals = model.metrics[name].test, metric_decimals(summary, name)
        spread = f" ± {test.sd:.{decimals}f}" if test is not None and test.sd is not None else ""
        cells.append(escape_latex(format_value(test.mean if test else None, decimals) + spread))
    cells.append("--" if model.parameters is None else f"{model.parameters:,}".replace(",", r"\,"))
    return f"{' & '.join(cells)} \\\\"


def _direction_arrow(summary: ReportSummary, metric: str) -> str:
    direction = next((row.direction for row in summary.comparisons if row.metric == metric), "none")
    return {"maximize": r" $\uparrow$", "minimize": r" $\downarrow$"}.get(direction, "")


def _comparison_table(summary: ReportSummary, rows: list[ComparisonSummary]) -> list[str]:
    percent = f"{100 * summary.confidence:.6g}"
    corrected = "not corrected" if summary.correction == "None" else f"corrected by {escape_latex(summary.correction)}"
    return [
        r"\begin{table}",
        rf"\caption{{Differences in {metric_name(summary.primary_metric)} over shared seeds. Intervals cover new "
        rf"seeds and new test rows (Obuchowski--Rockette, Hillis' degrees of freedom); $p$ {corrected}.}}",
        r"\begin{tabular}{lrrrl}",
        r"\toprule",
        rf"Comparison & Difference & {percent}\,\% CI & $p$ & Verdict \\",
        r"\midrule",
        *(_comparison_row(row) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _comparison_row(row: ComparisonSummary) -> str:
    decimals, population = difference_decimals(row), row.population
    limits = (population.interval.low, population.interval.high) if population else None
    cells = (
        f"{row.a} {MINUS} {row.b}",
        format_difference(row.difference, decimals),
        f"[{', '.join(format_difference(limit, decimals) for limit in limits)}]" if limits else ABSENT,
        format_p(population.p_adjusted if population else None),
        row.label or ABSENT,
    )
    return f"{' & '.join(escape_latex(cell) for cell in cells)} \\\\"
