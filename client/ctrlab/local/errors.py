"""What can go wrong on one machine, as types with one message each."""

from ctrlab_api.errors import InvalidInput, Problem


class WorkspaceError(InvalidInput):
    """The workspace cannot be used: unwritable, full, or in use."""

    @classmethod
    def at(cls, path: object, message: str) -> "WorkspaceError":
        """A problem of this file or folder."""
        return cls([Problem(str(path), message)])


class ExperimentFailed(Exception):
    """The experiment ended without a report; finished work is kept."""


class Interrupted(Exception):
    """Stopped by a signal; workers have given their trials back."""
