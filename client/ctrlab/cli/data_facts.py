"""Lines about a data set that several commands print."""

from collections.abc import Sequence

from ctrlab.cli.console import print_text
from ctrlab_api.records.prepared_data import MatchCount, TimeFormat


def print_times(times: TimeFormat | None) -> None:
    """Print how the time column was read, so that a wrong reading is seen before anything is trained."""
    if times is not None:
        zone = "" if times.timezone is None else f", time zone {times.timezone}"
        print_text(f"times: {times.reading}{zone}; from {times.earliest} to {times.latest}")


def print_matches(matches: Sequence[MatchCount] | None) -> None:
    """Print how many rows and values match in each side table and file of vectors."""
    for match in matches or ():
        print_text(match.statement)
