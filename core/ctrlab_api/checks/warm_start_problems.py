"""Problems of the earlier experiment of `tuning.warmStart`, with the same messages on one machine and on a cluster."""

from typing import Final

from ctrlab_api.errors import Problem

WARM_START_PATH: Final = "spec.tuning.warmStart.experiment"


def experiment_not_in_store(experiment: str, store: str) -> Problem:
    """Return the problem of an experiment that has no plan in the store with this URI."""
    message = f"there is no experiment {experiment} in {store}; give NAMESPACE/NAME/UID of a finished one"
    return Problem(WARM_START_PATH, message)


def study_not_frozen(experiment: str, variant: str) -> Problem:
    """Return the problem of an experiment that has the model, but whose study is not frozen."""
    return Problem(WARM_START_PATH, f"the study of {variant} in {experiment} is not frozen; let it finish first")
