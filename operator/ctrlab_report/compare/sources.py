"""The experiments of a comparison: read with a report's checks, and sorted by the data that they were run on."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_contract.canonical import digest, short
from ctrlab_contract.errors import InvalidData
from ctrlab_contract.plan import ExperimentKey
from ctrlab_contract.store import open_store
from ctrlab_report.gather import Gathered, gather


@dataclass(frozen=True)
class Source:
    """One experiment, under the name that the comparison gives it."""

    name: str
    gathered: Gathered

    @property
    def data(self) -> str:
        """Digest of its data set, split included."""
        return self.gathered.prepared.digest


def read_sources(uris: Sequence[str]) -> tuple[Source, ...]:
    """Experiments by the URI of their folders (…/NAMESPACE/NAME/UID); InvalidData for fewer than two or a repetition.

    The name is the experiment's; where two share it, the beginning of the uid is added.
    """
    if len(uris) < 2 or len(set(uris)) < len(uris):
        raise InvalidData.at("experiments", f"found {', '.join(uris)}; two or more different ones can be compared")
    read = [gather(open_store(uri), _key(uri)) for uri in uris]
    names = [found.key.name for found in read]
    return tuple(
        Source(name if names.count(name) == 1 else f"{name}@{found.key.uid[:6]}", found)
        for name, found in zip(names, read, strict=True)
    )


def common_metric(sources: Sequence[Source], metric: str | None) -> str:
    """The metric to compare by: the one asked for, or the primary metric that all plans share."""
    if metric is None:
        primary = {source.name: source.gathered.plan.analysis.primary_metric for source in sources}
        if len(set(primary.values())) > 1:
            listed = ", ".join(f"{name}: {found}" for name, found in primary.items())
            raise InvalidData.at("primaryMetric", f"differs ({listed}); choose one with --metric")
        return next(iter(primary.values()))
    without = [source.name for source in sources if metric not in source.gathered.plan.analysis.metrics]
    if without:
        raise InvalidData.at("--metric", f"{metric} is not among the metrics of {', '.join(without)}")
    return metric


def one_data_set(sources: Sequence[Source]) -> bool:
    """True where all share one data set, False where each has its own; InvalidData for anything between."""
    digests = [source.data for source in sources]
    if len(set(digests)) == 1:
        return True
    twice = [source.name for source in sources if digests.count(source.data) > 1]
    if twice:
        shared = short(next(source.data for source in sources if source.name in twice))
        raise InvalidData.at(
            "experiments",
            f"{' and '.join(twice)} share the data set {shared} and others do not; compare those on one data set by "
            "themselves, or one experiment from each data set",
        )
    return False


def splits_of_one_source(sources: Sequence[Source]) -> bool:
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


def _without_split_seed(source: Source) -> str:
    """The same for random splits of one source; every other data set is of its own kind."""
    if source.gathered.plan.dataset.split.strategy != "Random":
        return source.data
    data = source.gathered.plan.dataset.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["split"].pop("seed", None)
    return digest([data, sorted(file.sha256 for file in source.gathered.prepared.sources)])


def _key(uri: str) -> ExperimentKey:
    parts = uri.rstrip("/").split("/")
    if len(parts) < 4:
        raise InvalidData.at(uri, "is not the folder of an experiment; it ends in NAMESPACE/NAME/UID")
    return ExperimentKey(namespace=parts[-3], name=parts[-2], uid=parts[-1])
