"""A comparison of experiments as Markdown."""

from ctrlab_report.compare.comparison_result import (
    AcrossDataSets,
    AcrossSplits,
    ExperimentsComparison,
    ModelPair,
)
from ctrlab_report.formatting.number_formats import (
    MINUS,
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p,
    format_p_clause,
    format_percent,
    format_signed_range,
    format_value,
    metric_name,
)

DIGITS = 5
"""Of means, which carry no standard error here."""


def comparison_markdown(found: ExperimentsComparison) -> str:
    """The comparison for people."""
    lines = [
        f"# {comparison_title(found)}",
        "",
        "Exploratory: no plan named this comparison before the test sets were opened. Confirm a claim by an experiment "
        "that plans it.",
        "",
    ]
    if found.splits is not None:
        lines += _splits(found, found.splits)
    else:
        lines += _pairs(found) if found.across is None else _across(found, found.across)
    lines += ["", "| experiment | folder | data set |", "| --- | --- | --- |"]
    lines += [f"| {name} | `{where}` | `{found.data[name]}` |" for name, where in found.experiments.items()]
    return "\n".join([*lines, ""])


def _pairs(found: ExperimentsComparison) -> list[str]:
    ci = f"{format_confidence(found.confidence)} CI, new data"
    lines = ["One data set: every model of one experiment against every model of the others.", ""]
    lines += [
        f"| comparison | difference | {ci} | p (Holm) | seeds | verdict |",
        "| --- | ---: | :---: | ---: | --- | --- |",
    ]
    lines += [_row(pair) for pair in found.pairs]
    return [*lines, "", *(f"- {pair.sentence}" for pair in found.pairs)]


def _row(pair: ModelPair) -> str:
    seeds = f"{len(pair.paired_seeds)} shared" if pair.paired_seeds else "not shared"
    digits = decimals_for_spread(pair.se or 0.0)
    known = pair.low is not None and pair.high is not None
    bounds = format_signed_range(pair.low or 0.0, pair.high or 0.0, digits) if known else "–"
    cells = (
        f"{pair.a} {MINUS} {pair.b}",
        format_difference(pair.difference, digits),
        bounds,
        format_p(pair.p_adjusted),
        seeds,
        pair.label,
    )
    return f"| {' | '.join(cells)} |"


def _across(found: ExperimentsComparison, across: AcrossDataSets) -> list[str]:
    lines = [f"| data set | {' | '.join(across.models)} |", f"| --- |{' ---: |' * len(across.models)}"]
    for name, means in across.values.items():
        lines.append(f"| {name} | {' | '.join(format_value(mean, DIGITS) for mean in means)} |")
    if across.refused is not None:
        return [*lines, "", f"No test over data sets: {across.refused}"]
    lines.append(f"| mean rank | {' | '.join(format_value(rank, 2) for rank in across.mean_ranks)} |")
    lines += [
        "",
        f"Friedman's test (Iman and Davenport): {format_p_clause(across.friedman_p)} that all models rank alike over "
        f"{len(across.values)} data sets. Nemenyi's critical difference of mean ranks: "
        f"{format_value(across.critical_difference, 2)}.",
        "",
        "![Critical-difference diagram](critical-difference.svg)",
        "",
        f"| pair | P(second better) | P(within ±{found.margin or 0:g}) | P(first better) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for pair, (second, within, first) in across.posterior.items():
        lines.append(
            f"| {pair.replace(' - ', f' {MINUS} ')} | {format_percent(second)} | {format_percent(within)} | "
            f"{format_percent(first)} |"
        )
    adjusted = [
        f"{model}: p {format_p(p)}"
        for model, p in zip(across.models, across.against_first, strict=True)
        if p is not None
    ]
    lines += ["", "Bayesian signed-rank test (Benavoli et al. 2014) above; mean ranks against the first model (Holm): "]
    lines[-1] += ", ".join(adjusted) + "."
    return lines


def _splits(found: ExperimentsComparison, splits: AcrossSplits) -> list[str]:
    lines = [
        "Random splits of one source. Their train rows overlap, so the error is that of the corrected resampled "
        "t-test (Nadeau and Bengio 2003); nothing follows for other sources.",
        "",
        f"| split | {' | '.join(splits.models)} |",
        f"| --- |{' ---: |' * len(splits.models)}",
    ]
    for name, values in splits.values.items():
        lines.append(f"| {name} | {' | '.join(format_value(mean, DIGITS) for mean in values)} |")
    return [*lines, "", *(f"- {pair.sentence}" for pair in splits.pairs)]


def comparison_title(found: ExperimentsComparison) -> str:
    """Such as `june and july: AUC on test`."""
    names = list(found.experiments)
    return f"{', '.join(names[:-1])} and {names[-1]}: {metric_name(found.metric)} on test"
