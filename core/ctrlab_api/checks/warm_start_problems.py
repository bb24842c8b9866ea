"""What can be wrong with the earlier experiment of `tuning.warmStart`, whoever looks for it."""

from ctrlab_api.errors import Problem

WARM_START_PATH = "spec.tuning.warmStart.experiment"


def experiment_not_in_store(experiment: str, store: str) -> Problem:
    """The store at this URI has no such plan."""
    return Problem(
        WARM_START_PATH, f"there is no experiment {experiment} in {store}; give NAMESPACE/NAME/UID of a finished one"
    )


def study_not_frozen(experiment: str, variant: str) -> Problem:
    """It has the model, whose search is not over."""
    return Problem(WARM_START_PATH, f"the search of {variant} in {experiment} is not frozen; let it finish first")
