"""An ablation whose variants add features has a data set of its own: its experiment's, with more columns.

Everything else must be as it was there (rows, parts, labels, users, and the values of the experiment's own features):
otherwise a variant would differ in more than what it adds. Digests of both data sets tell, and no test row is read.
"""

import re
from collections.abc import Iterator

from ctrlab_api.errors import InvalidData, InvalidInput, Problem
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.prepared_data import DataExtension, PreparedData, SplitSummary
from ctrlab_store import Store

ROWS = ("labels.npy", "row_ids.npy", "users.npy")
"""Files of a part that say which rows it has."""
FEATURE = re.compile(r"spec\.dataset\.features\[(\d+)\]")


def added_features(plan: Plan) -> tuple[str, ...]:
    """Features of an ablation's data set that its experiment's does not have."""
    added = {name for variant in plan.variants for name in variant.add_features or ()}
    return tuple(feature.name for feature in plan.dataset.features if feature.name in added)


def data_extension(plan: Plan, store_root: Store, prepared: PreparedData) -> DataExtension | None:
    """What the ablation's data set adds, once it is shown that nothing else differs; None where nothing is added.

    Raises InvalidData where the source or an encoding has changed since the experiment prepared its data.
    """
    added = added_features(plan)
    if plan.parent is None or not added:
        return None
    experiment = plan.parent.experiment
    before = PreparedData.model_validate_json(store_root.below(experiment).get(ObjectKey.PREPARED))
    found = list(_differences(prepared, before))
    if found:
        raise InvalidData.at(
            "addFeatures",
            f"beside the added features the data must be that of {experiment}, but {'; '.join(found)}: run the "
            "experiment again, and this ablation after it",
        )
    return DataExtension(experiment=experiment, dataset_digest=before.digest, added_features=added)


def relocate_to_added_features(error: InvalidInput, plan: Plan) -> InvalidInput:
    """The same problems, with the place where the user declared an added feature."""
    first = len(plan.dataset.features) - len(added_features(plan))

    def place(problem: Problem) -> Problem:
        found = FEATURE.match(problem.where)
        if found is None or int(found[1]) < first:
            return problem
        name = plan.dataset.features[int(found[1])].name
        return Problem(f"addFeatures ({name}){problem.where[found.end() :]}", problem.message)

    return type(error)([place(problem) for problem in error.problems])


def _differences(now: PreparedData, before: PreparedData) -> Iterator[str]:
    if any(source not in now.sources for source in before.sources):
        yield "the source has changed"
        return
    for part in ("train", "valid", "test"):
        ours: SplitSummary = getattr(now, part)
        theirs: SplitSummary = getattr(before, part)
        if theirs.features is None or ours.features is None:
            yield f"its {part} rows were prepared by a version that kept no digest of each feature"
            continue
        if ours.row_ids_digest != theirs.row_ids_digest or any(ours.files.get(f) != theirs.files.get(f) for f in ROWS):
            yield f"{part} has other rows"
        other = [name for name, digest in theirs.features.items() if ours.features.get(name) != digest]
        if other:
            yield f"{', '.join(other)} has other values in {part}"
