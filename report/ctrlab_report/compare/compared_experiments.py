"""Reads the experiments of a comparison with all checks of a report, and decides how their data relate."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_report.inputs.report_inputs import ReportInputs, read_report_inputs
from ctrlab_store import open_store

UID_PREFIX_LENGTH = 6


@dataclass(frozen=True)
class ComparedExperiment:
    """One experiment and its name in the comparison."""

    name: str
    inputs: ReportInputs

    @property
    def data_digest(self) -> str:
        """Digest of its prepared data set, which includes the split."""
        return self.inputs.prepared.digest


def read_experiments(uris: Sequence[str]) -> tuple[ComparedExperiment, ...]:
    """Read experiments by the URIs of their folders (…/NAMESPACE/NAME/UID).

    Experiments of equal name get the beginning of the uid appended. Raises InvalidData for fewer than two experiments
    or a repeated one.
    """
    if len(uris) < 2 or len(set(uris)) < len(uris):
        raise InvalidData.at("experiments", f"given: {', '.join(uris)}; two or more different ones can be compared")
    all_inputs = [read_report_inputs(open_store(uri), _key_of_folder(uri)) for uri in uris]
    names = [inputs.key.name for inputs in all_inputs]
    return tuple(
        ComparedExperiment(name if names.count(name) == 1 else f"{name}@{inputs.key.uid[:UID_PREFIX_LENGTH]}", inputs)
        for name, inputs in zip(names, all_inputs, strict=True)
    )


def select_metric(experiments: Sequence[ComparedExperiment], metric: str | None) -> str:
    """Return the metric of the comparison: `metric`, or if it is None the primary metric of all plans.

    Raises InvalidData if the primary metrics differ, or a plan does not contain the metric.
    """
    if metric is None:
        primary = {experiment.name: experiment.inputs.plan.analysis.primary_metric for experiment in experiments}
        if len(set(primary.values())) > 1:
            listed = ", ".join(f"{name}: {metric}" for name, metric in primary.items())
            raise InvalidData.at("primaryMetric", f"differs ({listed}); choose one with --metric")
        return next(iter(primary.values()))
    without = [experiment.name for experiment in experiments if metric not in experiment.inputs.plan.analysis.metrics]
    if without:
        raise InvalidData.at("--metric", f"{metric} is not among the metrics of {', '.join(without)}")
    return metric


def share_data_set(experiments: Sequence[ComparedExperiment]) -> bool:
    """Return True if all experiments share one data set, False if each has another; InvalidData for a mixture."""
    digests = [experiment.data_digest for experiment in experiments]
    if len(set(digests)) == 1:
        return True
    sharing = [experiment for experiment in experiments if digests.count(experiment.data_digest) > 1]
    if sharing:
        raise InvalidData.at(
            "experiments",
            f"{' and '.join(experiment.name for experiment in sharing)} share the data set "
            f"{short_digest(sharing[0].data_digest)} and others do not; compare those on one data set separately, "
            "or one experiment from each data set",
        )
    return False


def are_random_splits(experiments: Sequence[ComparedExperiment]) -> bool:
    """Return True if all data sets differ only in the seed of a Random split, False if none do.

    Raises InvalidData for a mixture, because two splits of one source do not count as two data sets.
    """
    sources = [_digest_without_split_seed(experiment) for experiment in experiments]
    if len(set(sources)) == 1:
        return True
    splits = [
        experiment.name for experiment, source in zip(experiments, sources, strict=True) if sources.count(source) > 1
    ]
    if splits:
        raise InvalidData.at(
            "experiments",
            f"{' and '.join(splits)} are random splits of one source with different split.seed and others are not; "
            "compare the splits separately, or one of them with the others",
        )
    return False


def _digest_without_split_seed(experiment: ComparedExperiment) -> str:
    """Return a digest that is equal for random splits of one source, and unique for every other data set."""
    dataset = experiment.inputs.plan.dataset
    if dataset.split.strategy != "Random":
        return experiment.data_digest
    content = dataset.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["split"].pop("seed", None)
    return digest([content, sorted(file.sha256 for file in experiment.inputs.prepared.sources)])


def _key_of_folder(uri: str) -> ExperimentKey:
    try:
        return ExperimentKey.split_folder_uri(uri)[1]
    except ValueError as error:
        raise InvalidData.at(uri, str(error)) from None
