"""Errors of the single-machine backend that reach the user, each with one message."""

from ctrlab_api.errors import InvalidInput, Problem


class WorkspaceError(InvalidInput):
    """The workspace is unwritable, full or in use, or lacks what the command needs."""

    @classmethod
    def at(cls, path: object, message: str) -> "WorkspaceError":
        """Return an error about one file, folder or experiment."""
        return cls([Problem(str(path), message)])


class SourceChanged(InvalidInput):
    """The data are not those that an earlier run of the same experiment prepared; nothing was started."""


class ExperimentFailed(Exception):
    """The experiment ended without a report; finished work is kept."""


class RunInterrupted(Exception):
    """A signal stopped the engine; its workers have released their slots."""
