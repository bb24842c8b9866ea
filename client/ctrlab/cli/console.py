"""Output: tables in a terminal, tab-separated text in a pipe."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def print_text(text: str) -> None:
    """Print a result to standard output, without markup."""
    print(text, flush=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table; in a pipe, a header line and one line per row, separated by tabs and without the title."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(cell.replace("\n", " ") for cell in row))
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
