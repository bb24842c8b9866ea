"""Data sets of ablations that add features: the experiment's data set with more columns.

Everything else must equal the experiment's data (rows, splits, labels, users, and the values of its features);
otherwise a variant would differ in more than the added features. The digests of both data sets are compared, and no
test row is read.
"""

import re
from collections.abc import Iterator

from ctrlab_api.errors import InvalidData, InvalidInput, Problem
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.prepared_data import DataExtension, PreparedData, SplitSummary
from ctrlab_api.records.source_changes import describe_changes
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.dataset_files import LABELS_FILE
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES

ROW_FILES = (LABELS_FILE, "row_ids.npy", "users.npy", "groups.npy")
"""Files of a split that identify its rows."""
FEATURE_PATH = re.compile(r"spec\.dataset\.features\[(\d+)\]")


def added_features(plan: Plan) -> tuple[str, ...]:
    """Return the features of an ablation's data set that the experiment's data set does not have."""
    added = {name for variant in plan.variants for name in variant.add_features or ()}
    return tuple(feature.name for feature in plan.dataset.features if feature.name in added)


def data_extension(plan: Plan, store_root: Store, prepared: PreparedData) -> DataExtension | None:
    """Return what the ablation's data set adds, after checking that nothing else differs; None if nothing is added.

    Raises InvalidData if the source or an encoding has changed since the experiment prepared its data.
    """
    added = added_features(plan)
    if plan.parent is None or not added:
        return None
    experiment = plan.parent.experiment
    original = PreparedData.model_validate_json(store_root.below(experiment).get(ObjectKey.PREPARED))
    differences = list(_differences(prepared, original))
    if differences:
        raise InvalidData.at(
            "addFeatures",
            f"apart from the added features the data must equal the data of {experiment}, but "
            f"{'; '.join(differences)}: run the experiment again, then this ablation",
        )
    return DataExtension(experiment=experiment, dataset_digest=original.digest, added_features=added)


def relocate_to_added_features(error: InvalidInput, plan: Plan) -> InvalidInput:
    """Return the same problems, located where the user declared the added features."""
    first = len(plan.dataset.features) - len(added_features(plan))

    def relocate(problem: Problem) -> Problem:
        match = FEATURE_PATH.match(problem.where)
        if match is None or int(match[1]) < first:
            return problem
        name = plan.dataset.features[int(match[1])].name
        return Problem(f"addFeatures ({name}){problem.where[match.end() :]}", problem.message)

    return type(error)([relocate(problem) for problem in error.problems])


def _differences(current: PreparedData, original: PreparedData) -> Iterator[str]:
    if any(source not in current.sources for source in original.sources):
        names = {source.name for source in original.sources}
        shared = [source for source in current.sources if source.name in names]
        yield f"the source has changed: {describe_changes(original, shared)}"
        return
    for name in SPLIT_NAMES:
        split: SplitSummary = getattr(current, name)
        original_split: SplitSummary = getattr(original, name)
        if original_split.features is None or split.features is None:
            yield f"its {name} rows were prepared by a version that stored no digest per feature"
            continue
        if split.row_ids_digest != original_split.row_ids_digest or any(
            split.files.get(file) != original_split.files.get(file) for file in ROW_FILES
        ):
            yield f"{name} has different rows"
        features = split.features
        changed = [feature for feature, digest in original_split.features.items() if features.get(feature) != digest]
        if changed:
            yield f"{', '.join(changed)} has different values in {name}"
