"""The final runs that one process trains: those of its arguments, or of its index in an indexed Job."""

import os
from collections.abc import Sequence

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.plan import FinalRun, Plan, RunGroup

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in the pods of an indexed Job."""


def select_run_group(
    plan: Plan,
    variant: str | None,
    seed: int | None,
    seed_count: int | None,
    first_index: int,
    indexes: Sequence[int] | None = None,
) -> RunGroup:
    """Return the final runs that one process trains: the group of the named run, or of this process's index.

    With `indexes`, this process's index is a position in them.

    A seed beyond the planned ones forms a batch by itself unless `seed_count` includes it. InvalidSpec for a run or an
    index that the plan does not have.
    """
    groups = plan.run_groups(seed_count)
    if variant is not None and seed is not None:
        require_variant(plan, variant)
        if seed not in {run.seed for run in plan.final_runs(plan.evaluation.seeds.max)}:
            raise InvalidSpec([Problem("--seed", f"the plan has no seed {seed}")])
        named = FinalRun(variant=variant, seed=seed)
        return next((group for group in groups if named in group), (named,))
    variable = os.environ.get(INDEX_VARIABLE, "")
    if not variable.isdigit():
        message = f"give --variant and --seed, or set {INDEX_VARIABLE} to a number, not {variable!r}"
        raise InvalidSpec([Problem("evaluate", message)])
    position = int(variable)
    if indexes is not None and position >= len(indexes):
        message = f"--indexes names {len(indexes)} indexes, there is no position {position}"
        raise InvalidSpec([Problem(INDEX_VARIABLE, message)])
    index = first_index + (position if indexes is None else indexes[position])
    if index >= len(groups):
        units = "final runs" if plan.evaluation.execution_mode == "plain" else "batches of final runs"
        raise InvalidSpec([Problem(INDEX_VARIABLE, f"the plan has {len(groups)} {units}, there is no index {index}")])
    return groups[index]


def require_variant(plan: Plan, name: str) -> None:
    """Raise InvalidSpec for a variant that the plan does not have."""
    if name not in plan.names:
        raise InvalidSpec([Problem("--variant", f"the plan has no variant {name!r}; known: {', '.join(plan.names)}")])
