"""The output of `ctrlab init`: an experiment proposed from a data file."""

from ctrlab_api.schema_types import ApiModel


class Proposal(ApiModel):
    """A proposed experiment."""

    text: str
    """The experiment as commented YAML."""
    notes: tuple[str, ...] = ()
    """Problems that the user must know of, such as a column that is named like a time and cannot be read as one."""
    reviews: tuple[str, ...] = ()
    """The lines of `text` that are guesses which another reading fits as well."""
