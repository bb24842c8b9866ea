"""Lines about a data set that several commands print."""

from ctrlab.cli.console import print_text
from ctrlab_api.records.prepared_data import TimeFormat


def print_times(times: TimeFormat | None) -> None:
    """Print how the time column was read, so that a wrong reading is seen before anything is trained."""
    if times is not None:
        zone = "" if times.timezone is None else f", time zone {times.timezone}"
        print_text(f"times: {times.reading}{zone}; from {times.earliest} to {times.latest}")
