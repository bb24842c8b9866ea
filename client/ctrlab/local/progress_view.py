"""Progress of a running experiment: a live table in a terminal, occasional lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ctrlab.local.engine import ProgressView
from ctrlab.local.time_estimate import TimeEstimate, format_duration
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.planner import Facts

LINE_INTERVAL_SECONDS = 10.0
"""Minimum time between two lines of the same stage in a pipe."""


@contextmanager
def progress_view(name: str, stream: TextIO) -> Iterator[ProgressView]:
    """Yield a live table if the stream is a terminal, lines otherwise.

    The stream is standard error, so that results on standard output can be piped.
    """
    if not stream.isatty():
        yield ProgressLines(name, stream)
        return
    console = Console(file=stream)
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield ProgressTable(name, live)


class ProgressLines:
    """A line at each change of stage, and otherwise every ten seconds if the progress has changed."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._estimate = TimeEstimate()
        self._started_at = time.monotonic()
        self._last = ("", "", 0.0)

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """See `ProgressView`."""
        now = time.monotonic()
        left = self._estimate.seconds_left(facts, now)
        text = summarize(status)
        last_stage, last_text, last_time = self._last
        if status.stage == last_stage and (text == last_text or now - last_time < LINE_INTERVAL_SECONDS):
            return
        self._last = (status.stage, text, now)
        self.note(f"{text}; {format_times(now - self._started_at, left)}")

    def note(self, message: str) -> None:
        """See `ProgressView`."""
        print(f"{self._name}: {message}", file=self._stream, flush=True)


class ProgressTable:
    """A table of models under a headline, redrawn in place."""

    def __init__(self, name: str, live: Live) -> None:
        self._name = name
        self._live = live
        self._estimate = TimeEstimate()
        self._started_at = time.monotonic()

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """See `ProgressView`."""
        now = time.monotonic()
        left = self._estimate.seconds_left(facts, now)
        headline = Text.assemble((self._name, "bold"), f"  {summarize(status)}")
        footer = f"{running} worker{'' if running == 1 else 's'} running; {format_times(now - self._started_at, left)}"
        self._live.update(Group(headline, models_table(facts, status), Text(footer, style="dim")))

    def note(self, message: str) -> None:
        """See `ProgressView`."""
        self._live.console.print(f"{self._name}: {message}")


def summarize(status: ExperimentStatus) -> str:
    """Return stage and progress in one line."""
    parts: list[str] = [status.stage]
    if status.trials:
        best = f", best {status.best}" if status.best else ""
        parts.append(f"trials {status.trials}{best}")
    if status.seeds and status.search_digest:
        parts.append(f"seeds {status.seeds}")
    ready = status.condition(ConditionType.READY)
    if ready is not None and ready.message:
        parts.append(ready.message)
    return "; ".join(parts)


def format_times(elapsed: float, left: float | None) -> str:
    """Return the elapsed time and, if known, the estimated time left; both in seconds."""
    return f"{format_duration(elapsed)} elapsed" + (f", about {format_duration(left)} left" if left else "")


def models_table(facts: Facts, status: ExperimentStatus) -> Table:
    """Return one row per model with its trials, best value and final runs."""
    plan, seeds = facts.plan, facts.seed_count
    by_name = {model.name: model for model in status.models}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    columns = ("model", "trials", f"best {plan.analysis.primary_metric}", "failed trials", "runs", "failed runs")
    for column in columns:
        table.add_column(column, justify="left" if column == "model" else "right")
    for name in plan.names:
        model, budget = by_name[name], facts.budget(name)
        table.add_row(
            name,
            f"{model.trials_done}/{budget}" if budget else "-",
            model.best or "-",
            str(model.trials_failed or "-"),
            f"{model.runs_done}/{seeds}",
            str(model.runs_failed or "-"),
        )
    return table
