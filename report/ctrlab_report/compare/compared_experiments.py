"""The experiments of a comparison: read with a report's checks, and sorted by the data that they were run on."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_report.inputs.report_inputs import ReportInputs, read_report_inputs
from ctrlab_store import open_store


@dataclass(frozen=True)
class ComparedExperiment:
    """One experiment, under the name that the comparison gives it."""

    name: str
    inputs: ReportInputs

    @property
    def data(self) -> str:
        """Digest of its data set, split included."""
        return self.inputs.prepared.digest


def read_experiments(uris: Sequence[str]) -> tuple[ComparedExperiment, ...]:
    """Experiments by the URI of their folders (…/NAMESPACE/NAME/UID); InvalidData for fewer than two or a repetition.

    The name is the experiment's; where two share it, the beginning of the uid is added.
    """
    if len(uris) < 2 or len(set(uris)) < len(uris):
        raise InvalidData.at("experiments", f"found {', '.join(uris)}; two or more different ones can be compared")
    read = [read_report_inputs(open_store(uri), _key(uri)) for uri in uris]
    names = [found.key.name for found in read]
    return tuple(
        ComparedExperiment(name if names.count(name) == 1 else f"{name}@{found.key.uid[:6]}", found)
        for name, found in zip(names, read, strict=True)
    )


def select_metric(sources: Sequence[ComparedExperiment], metric: str | None) -> str:
    """The metric to compare by: the one asked for, or the primary metric that all plans share."""
    if metric is None:
        primary = {source.name: source.inputs.plan.analysis.primary_metric for source in sources}
        if len(set(primary.values())) > 1:
            listed = ", ".join(f"{name}: {found}" for name, found in primary.items())
            raise InvalidData.at("primaryMetric", f"differs ({listed}); choose one with --metric")
        return next(iter(primary.values()))
    without = [source.name for source in sources if metric not in source.inputs.plan.analysis.metrics]
    if without:
        raise InvalidData.at("--metric", f"{metric} is not among the metrics of {', '.join(without)}")
    return metric


def share_data_set(sources: Sequence[ComparedExperiment]) -> bool:
    """True where all share one data set, False where each has its own; InvalidData for anything between."""
    digests = [source.data for source in sources]
    if len(set(digests)) == 1:
        return True
    twice = [source.name for source in sources if digests.count(source.data) > 1]
    if twice:
        shared = short_digest(next(source.data for source in sources if source.name in twice))
        raise InvalidData.at(
            "experiments",
            f"{' and '.join(twice)} share the data set {shared} and others do not; compare those on one data set by "
            "themselves, or one experiment from each data set",
        )
    return False


def are_random_splits(sources: Sequence[ComparedExperiment]) -> bool:
    """True where all differ in the seed of a Random split and in nothing else of their data; False where none do so.

    InvalidData for anything between: two splits of one source are not two data sets.
    """
    kinds = [_without_split_seed(source) for source in sources]
    if len(set(kinds)) == 1:
        return True
    twice = [source.name for source, kind in zip(sources, kinds, strict=True) if kinds.count(kind) > 1]
    if twice:
        raise InvalidData.at(
            "experiments",
            f"{' and '.join(twice)} are random splits of one source with different split.seed and others are not; "
            "compare the splits by themselves, or one of them with the others",
        )
    return False


def _without_split_seed(source: ComparedExperiment) -> str:
    """The same for random splits of one source; every other data set is of its own kind."""
    if source.inputs.plan.dataset.split.strategy != "Random":
        return source.data
    data = source.inputs.plan.dataset.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["split"].pop("seed", None)
    return digest([data, sorted(file.sha256 for file in source.inputs.prepared.sources)])


def _key(uri: str) -> ExperimentKey:
    try:
        return ExperimentKey.split_folder_uri(uri)[1]
    except ValueError as error:
        raise InvalidData.at(uri, str(error)) from None
