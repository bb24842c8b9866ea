"""Showing how an experiment goes: a table that redraws itself in a terminal, now and then a line in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ctrlab.local.engine import View
from ctrlab.local.time_estimate import Estimate, as_duration
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.planner import Facts

LINE_SECONDS = 10.0
"""Between two lines of the same stage in a pipe."""


@contextmanager
def progress_view(name: str, stream: TextIO) -> Iterator[View]:
    """The view that suits the stream (standard error, so that results can be piped)."""
    if not stream.isatty():
        yield Lines(name, stream)
        return
    console = Console(file=stream)
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield Screen(name, live)


class Lines:
    """A line at each change of stage, and otherwise every ten seconds if something has moved."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._estimate = Estimate()
        self._began = time.monotonic()
        self._last = ("", "", 0.0)

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """See `View`."""
        now = time.monotonic()
        left = self._estimate.seconds_left(facts, now)
        text = summary(status)
        stage, before, at = self._last
        if status.stage == stage and (text == before or now - at < LINE_SECONDS):
            return
        self._last = (status.stage, text, now)
        self.note(f"{text}; {times(now - self._began, left)}")

    def note(self, message: str) -> None:
        """See `View`."""
        print(f"{self._name}: {message}", file=self._stream, flush=True)


class Screen:
    """A table of models under a headline."""

    def __init__(self, name: str, live: Live) -> None:
        self._name = name
        self._live = live
        self._estimate = Estimate()
        self._began = time.monotonic()

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """See `View`."""
        now = time.monotonic()
        left = self._estimate.seconds_left(facts, now)
        headline = Text.assemble((self._name, "bold"), f"  {summary(status)}")
        foot = f"{running} worker{'' if running == 1 else 's'} running; {times(now - self._began, left)}"
        self._live.update(Group(headline, models_table(facts, status), Text(foot, style="dim")))

    def note(self, message: str) -> None:
        """See `View`."""
        self._live.console.print(f"{self._name}: {message}")


def summary(status: ExperimentStatus) -> str:
    """Stage, and how far it is, in one line."""
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


def times(elapsed: float, left: float | None) -> str:
    """Elapsed, and about how much is left."""
    return f"{as_duration(elapsed)} elapsed" + (f", about {as_duration(left)} left" if left else "")


def models_table(facts: Facts, status: ExperimentStatus) -> Table:
    """A row a model: trials, best so far, final runs."""
    plan, seeds = facts.plan, facts.seed_count
    by_name = {model.name: model for model in status.models}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("model", "trials", f"best {plan.analysis.primary_metric}", "failed", "runs", "lost"):
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
