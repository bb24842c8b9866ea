"""The plan: what an experiment is going to do and conclude, frozen and hashed before anything runs.

It contains what the result depends on and nothing else: workers, images, queues and buckets may change without making
it another experiment. Every process reads `plan.json` and never the resource.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.architectures.default_search_spaces import default_space
from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.metrics import METRIC_DIRECTIONS, Direction
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment, Model
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_api.schema_types import ApiModel, Scalar, VariantName
from ctrlab_api.search_space import SearchSpace, grid_size


class Variant(ApiModel):
    """One model as it is tuned and trained; in an ablation, with its change."""

    name: VariantName
    architecture: str
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    search: dict[str, SearchDimension] = Field(default_factory=dict)
    """All dimensions, including those of the architecture's default search space where the user asked for it."""
    constraints: Constraints | None = None
    remove: tuple[str, ...] = ()
    drop_features: tuple[str, ...] = ()
    add_features: tuple[str, ...] | None = None
    """Features of the ablation's data set that this variant uses and the full model does not."""
    hidden_features: tuple[str, ...] | None = None
    """Features of the ablation's data set that only other variants use."""

    @property
    def excluded_features(self) -> tuple[str, ...]:
        """Features of the data set that are not inputs of the model."""
        return self.drop_features + (self.hidden_features or ())

    @property
    def search_space(self) -> SearchSpace:
        """The space that trials are sampled from."""
        return SearchSpace(self.search, self.constraints, self.parameters)


class ParentExperiment(ApiModel):
    """The finished experiment whose model an ablation changes; part of the ablation's plan."""

    experiment: str
    """namespace/name/uid: its folder below the root of the store."""
    plan_digest: str
    search_token: str
    """Digest over all its frozen studies: an ablation opens the test rows only after these are frozen, too."""
    model: VariantName
    """The full model; the first variant of the plan."""
    hyperparameters: Literal["Inherit", "Retune"]
    factorial: tuple[str, ...] | None = None
    """Parts that are removed in all combinations."""

    @property
    def key(self) -> ExperimentKey:
        """The key of the experiment."""
        return ExperimentKey.parse(self.experiment)

    @property
    def name(self) -> str:
        """The experiment's metadata.name."""
        return self.key.name


def effective_search(model: Model) -> dict[str, SearchDimension]:
    """Return the search dimensions of a model, including those of its architecture's default search space."""
    declared = ARCHITECTURES.get(model.architecture) if model.search_space == "Default" else None
    default = default_space(declared) if declared is not None else {}
    return {name: dimension for name, dimension in default.items() if name not in (model.parameters or {})} | (
        model.search or {}
    )


class FinalRun(ApiModel):
    """One variant with one seed."""

    variant: VariantName
    seed: int


RunGroup = tuple[FinalRun, ...]
"""Final runs of one variant and one study that one process trains together: a single run unless seeds are batched."""


class Plan(ApiModel):
    """Everything that the result depends on."""

    schema_version: Literal[1] = 1
    dataset: Dataset
    variants: tuple[Variant, ...]
    tuning: Tuning
    """With `workers` at its default, because their number is not part of the plan."""
    evaluation: Evaluation
    analysis: Analysis
    """With the reference always set."""
    parent: ParentExperiment | None = None
    """Only in the plan of an ablation."""

    @classmethod
    def from_experiment(cls, experiment: Experiment) -> "Plan":
        """Return the plan of an experiment."""
        spec = experiment.spec
        return cls(
            dataset=spec.dataset,
            variants=tuple(
                Variant(
                    name=model.name,
                    architecture=model.architecture,
                    parameters=model.parameters or {},
                    search=effective_search(model),
                    constraints=model.constraints,
                )
                for model in spec.models
            ),
            tuning=spec.tuning.model_copy(update={"workers": Tuning().workers}),
            evaluation=spec.evaluation,
            analysis=spec.analysis.model_copy(update={"reference": spec.reference}),
        )

    @property
    def digest(self) -> str:
        """The plan digest: SHA-256 of the plan's canonical JSON."""
        return digest(self)

    @property
    def reference(self) -> str:
        """The variant that the others are compared with."""
        return self.analysis.reference or self.variants[0].name

    @property
    def direction(self) -> Direction:
        """Better direction of the primary metric; a primary metric always has one."""
        return "minimize" if METRIC_DIRECTIONS[self.analysis.primary_metric] == "minimize" else "maximize"

    @property
    def is_ablation(self) -> bool:
        """Whether this is the plan of an ablation, which has a parent experiment."""
        return self.parent is not None

    def variant(self, name: str) -> Variant:
        """Return the variant of that name; KeyError if there is none."""
        return {variant.name: variant for variant in self.variants}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variants in order."""
        return tuple(variant.name for variant in self.variants)

    def trial_budget(self, variant: str, trials: int | None = None) -> int:
        """Return the number of trials of one variant over all its studies, as planned or with `trials` per study.

        It is 0 where nothing is tuned.
        """
        return self.study_budget(variant, trials) * self.tuning.study_count

    def needs_tuning(self, variant: str) -> bool:
        """Whether the variant may need trials: not without a search space, and not where an ablation inherits."""
        inherits = self.parent is not None and self.parent.hyperparameters == "Inherit"
        return not inherits and self.trial_budget(variant) > 0

    def study_budget(self, variant: str, trials: int | None = None) -> int:
        """Return the number of trials of one of the variant's studies; for the Grid sampler at most the grid's size."""
        space, requested = self.variant(variant).search_space, trials or self.tuning.trials
        if not space.dimensions:
            return 0
        return requested if self.tuning.sampler != "Grid" else min(requested, grid_size(space))

    def study_of(self, seed: int) -> int:
        """Return the index of the repeated study whose best trial the final run with this seed uses, in rotation."""
        return (seed - self.evaluation.seeds.base) % self.tuning.study_count

    def final_runs(self, seed_count: int | None = None) -> tuple[FinalRun, ...]:
        """Return every (variant, seed) in the order of seeds, so that an unfinished set is balanced over variants."""
        return tuple(self._final_runs(seed_count))

    def _final_runs(self, seed_count: int | None) -> Iterator[FinalRun]:
        for seed in self.evaluation.seeds.values(seed_count):
            for variant in self.variants:
                yield FinalRun(variant=variant.name, seed=seed)

    def run_groups(self, seed_count: int | None = None) -> tuple[RunGroup, ...]:
        """Return the final runs grouped by process, in the order of seeds.

        A later extension to `seed_count` leaves the planned groups as they are and adds new ones.
        """
        seeds = self.evaluation.seeds
        stages = seeds.values(), seeds.values(seed_count)[seeds.count :]
        return tuple(group for stage in stages for group in self._run_groups(stage))

    def _run_groups(self, seeds: tuple[int, ...]) -> Iterator[RunGroup]:
        """Group the seeds of one study, which share hyperparameters; others cannot be trained in one batch."""
        size = self.evaluation.seeds_per_pod or 1
        by_study = [
            [seed for seed in seeds if self.study_of(seed) == study] for study in range(self.tuning.study_count)
        ]
        batches = [members[at : at + size] for members in by_study for at in range(0, len(members), size)]
        for batch in sorted(batches):
            for variant in self.variants:
                yield tuple(FinalRun(variant=variant.name, seed=seed) for seed in batch)

    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """Return pairs (a, b) whose difference a - b is reported; b is the reference in AgainstReference."""
        if self.analysis.compare == "AgainstReference":
            return tuple((name, self.reference) for name in self.names if name != self.reference)
        return tuple((b, a) for i, a in enumerate(self.names) for b in self.names[i + 1 :])
