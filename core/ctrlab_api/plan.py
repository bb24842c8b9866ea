"""The plan: what an experiment is going to do and to conclude, frozen and hashed before anything runs.

It holds what the result depends on and nothing else: workers, images, queues and buckets may change without making
another experiment of it. Every process reads `plan.json` and never the resource.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.architectures.default_search_spaces import default_space
from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.metrics import METRIC_DIRECTIONS, Direction
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment, Model
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_api.schema_types import ApiModel, Scalar, VariantName
from ctrlab_api.search_space import SearchSpace, grid_size


class Variant(ApiModel):
    """One model as it is tuned and trained; an ablation's variants carry their change."""

    name: VariantName
    architecture: str
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    search: dict[str, SearchDimension] = Field(default_factory=dict)
    """With the architecture's own dimensions written out where the user asked for its default space."""
    constraints: Constraints | None = None
    remove: tuple[str, ...] = ()
    drop_features: tuple[str, ...] = ()
    add_features: tuple[str, ...] | None = None
    """Features of the ablation's data set that this variant sees and the full model does not."""
    hidden_features: tuple[str, ...] | None = None
    """Features of the ablation's data set that other variants alone see."""

    @property
    def unseen(self) -> tuple[str, ...]:
        """Features of the data set that the model is not given."""
        return self.drop_features + (self.hidden_features or ())

    @property
    def space(self) -> SearchSpace:
        """What trials are drawn from."""
        return SearchSpace(self.search, self.constraints, self.parameters)


class ParentExperiment(ApiModel):
    """Of an ablation's plan: the finished experiment whose model is taken apart."""

    experiment: str
    """namespace/name/uid: its folder below the store's root."""
    plan_digest: str
    search_token: str
    """Over all its frozen searches: an ablation opens test only after they are frozen, too."""
    model: VariantName
    """The full model; the first variant of the plan."""
    hyperparameters: Literal["Inherit", "Retune"]
    factorial: tuple[str, ...] | None = None
    """Parts that are removed in all combinations."""

    @property
    def name(self) -> str:
        """The experiment's metadata.name."""
        return self.experiment.split("/")[1]


def effective_search(model: Model) -> dict[str, SearchDimension]:
    """The dimensions of a model's search, the default ones of its architecture included."""
    declared = ARCHITECTURES.get(model.architecture) if model.search_space == "Default" else None
    default = default_space(declared) if declared is not None else {}
    return {name: found for name, found in default.items() if name not in (model.parameters or {})} | (
        model.search or {}
    )


class FinalRun(ApiModel):
    """One (variant, seed)."""

    variant: VariantName
    seed: int


RunGroup = tuple[FinalRun, ...]
"""Final runs of one variant and one search that one process makes: a single one unless seeds are batched."""


class Plan(ApiModel):
    """Everything the result depends on."""

    schema_version: Literal[1] = 1
    dataset: Dataset
    variants: tuple[Variant, ...]
    tuning: Tuning
    """With workers at its default: their number does not belong to the plan."""
    evaluation: Evaluation
    analysis: Analysis
    """With the reference filled in."""
    parent: ParentExperiment | None = None
    """Of an ablation alone."""

    @classmethod
    def of(cls, experiment: Experiment) -> "Plan":
        """The plan of an experiment."""
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
        """The planDigest: sha256 of the plan's canonical JSON."""
        return digest(self)

    @property
    def reference(self) -> str:
        """The variant that the others are compared with."""
        return self.analysis.reference or self.variants[0].name

    @property
    def direction(self) -> Direction:
        """Which values of the primary metric are better; a primary metric always has a direction."""
        return "minimize" if METRIC_DIRECTIONS[self.analysis.primary_metric] == "minimize" else "maximize"

    @property
    def is_ablation(self) -> bool:
        """Whether this is the plan of an ablation, which has a parent experiment."""
        return self.parent is not None

    def variant(self, name: str) -> Variant:
        """The variant of that name; KeyError if there is none."""
        return {found.name: found for found in self.variants}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The variants' names in order."""
        return tuple(variant.name for variant in self.variants)

    def trial_budget(self, variant: str, trials: int | None = None) -> int:
        """Trials of one variant over all its searches, as planned or with `trials` for each search.

        0 where nothing is tuned.
        """
        return self.search_budget(variant, trials) * self.tuning.searches

    def needs_search(self, variant: str) -> bool:
        """Whether trials may be needed: False for a model without a search space, and where an ablation inherits."""
        takes_over = self.parent is not None and self.parent.hyperparameters == "Inherit"
        return not takes_over and self.trial_budget(variant) > 0

    def search_budget(self, variant: str, trials: int | None = None) -> int:
        """Trials of one of the variant's searches: at most the size of the grid for the Grid sampler."""
        space, asked = self.variant(variant).space, trials or self.tuning.trials
        if not space.dimensions:
            return 0
        return asked if self.tuning.sampler != "Grid" else min(asked, grid_size(space))

    def search_of(self, seed: int) -> int:
        """Which of the repeated searches the final run with this seed uses: they take turns."""
        return (seed - self.evaluation.seeds.base) % self.tuning.searches

    def final_runs(self, seed_count: int | None = None) -> tuple[FinalRun, ...]:
        """Every (variant, seed), seeds first, so that an unfinished set is balanced over the variants."""
        return tuple(self._final_runs(seed_count))

    def _final_runs(self, seed_count: int | None) -> Iterator[FinalRun]:
        for seed in self.evaluation.seeds.values(seed_count):
            for variant in self.variants:
                yield FinalRun(variant=variant.name, seed=seed)

    def run_groups(self, seed_count: int | None = None) -> tuple[RunGroup, ...]:
        """The final runs by process, seeds first; a later extension to `seed_count` leaves the planned groups as they
        are and adds its own."""
        seeds = self.evaluation.seeds
        parts = seeds.values(), seeds.values(seed_count)[seeds.count :]
        return tuple(group for part in parts for group in self._run_groups(part))

    def _run_groups(self, seeds: tuple[int, ...]) -> Iterator[RunGroup]:
        """Seeds of one search have the same parameters; others cannot be trained together."""
        size = self.evaluation.seeds_per_pod or 1
        by_search = [[s for s in seeds if self.search_of(s) == search] for search in range(self.tuning.searches)]
        batches = [own[at : at + size] for own in by_search for at in range(0, len(own), size)]
        for batch in sorted(batches):
            for variant in self.variants:
                yield tuple(FinalRun(variant=variant.name, seed=seed) for seed in batch)

    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """Pairs (a, b) whose difference a - b is reported; b is the reference in AgainstReference."""
        if self.analysis.compare == "AgainstReference":
            return tuple((name, self.reference) for name in self.names if name != self.reference)
        return tuple((b, a) for i, a in enumerate(self.names) for b in self.names[i + 1 :])


class ExperimentKey(ApiModel):
    """Which experiment: its folder in the store and its rows in the study database."""

    namespace: str
    name: str
    uid: str

    @property
    def prefix(self) -> str:
        """Its folder below the store's root."""
        return f"{self.namespace}/{self.name}/{self.uid}"

    @classmethod
    def local(cls, experiment: Experiment, plan: Plan) -> "ExperimentKey":
        """On one machine the uid is the plan's digest: the same file resumes, a changed plan is another experiment."""
        meta = experiment.metadata
        return cls(namespace=meta.namespace, name=meta.name, uid=meta.uid or short_digest(plan.digest))
