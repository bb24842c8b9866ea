"""The proposal of an experiment: a sample of rows is read, roles and features are guessed, and the result is tried."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ctrlab_api.errors import InvalidData, InvalidInput
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.records.inspections import Inspection
from ctrlab_api.records.proposals import Proposal
from ctrlab_api.resources.data_sources import Source
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.data_quality.leak_checks import REVEALING_AUC
from ctrlab_trainer.data.inspection.dataset_inspection import describe
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.proposals.column_profiles import ColumnProfile, check_time, profile_column
from ctrlab_trainer.data.proposals.column_roles import Roles, as_yaml_fields, guess_roles, time_rank
from ctrlab_trainer.data.proposals.experiment_text import experiment_text
from ctrlab_trainer.data.proposals.feature_guesses import FeatureGuess, guess_features, without
from ctrlab_trainer.data.proposals.file_formats import guess_source, split_files
from ctrlab_trainer.data.readers.arrow_types import UnreadableType, UnreadableValue
from ctrlab_trainer.data.readers.source_reading import SourceReader, available_columns
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.source_locations import LocatedSource, locate

MAX_CELLS: Final = 30_000_000
"""Rows times columns of the sample; more rows are not read."""
FRACTIONS: Final = ["0.8", "0.1", "0.1"]
SUSPICIOUS_AUC: Final = 0.9
"""A feature that alone reaches this AUC is marked for review."""


@dataclass(frozen=True)
class ProposedExperiment:
    """A proposal, the data set it describes, and its inspection if the sample can be prepared."""

    proposal: Proposal
    dataset: Dataset
    inspection: Inspection | None
    guesses: tuple[str, ...]
    """The role of each column that has one, with the reason."""


@dataclass(frozen=True)
class _Sample:
    """Rows of the file and the statistics of their columns."""

    table: SourceTable
    complete: bool
    """Whether the sample has all rows."""
    profiles: Sequence[ColumnProfile]
    unreadable: Mapping[str, str]
    """Columns that cannot be read -> the reason."""


def propose_experiment(path: Path, chosen: Mapping[str, str]) -> ProposedExperiment:
    """Propose an experiment for a file or folder; `chosen` are columns by role (label, user, item, time).

    InvalidData for a file that cannot be read, a chosen column that it does not have, and data in which no label is
    recognized and no negatives can be sampled.
    """
    source = guess_source(path)
    located = locate(Source.model_validate(source))
    sample = _read_sample(located)
    names = [profile.name for profile in sample.profiles]
    for role, column in chosen.items():
        if column not in names:
            raise InvalidData.at(f"--{role}", f"{located.name} has no column {column!r}; known: {', '.join(names)}")
    checks = {
        profile.name: check_time(sample.table, profile.name)
        for profile in sample.profiles
        if time_rank(profile) is not None or profile.name == chosen.get("time")
    }
    bad_times = {name: check.problem for name, check in checks.items() if check.problem is not None}
    roles = guess_roles(sample.profiles, bad_times, chosen)
    if roles.label is None and (roles.user is None or roles.item is None):
        raise InvalidData.at(
            path.name,
            "no column looks like a label (0 and 1, true and false, or a rating), and no user and item from which "
            f"negatives could be sampled; name the label with --label. Columns: {', '.join(names)}",
        )
    guesses = guess_features(sample.profiles, roles)
    reading = checks[roles.time.column].reading if roles.time is not None else ""
    draft = _Draft(path, source, roles, guesses, split_files(path), sample, reading)
    return _tried(draft, [f"time: {name}: {reason}" for name, reason in bad_times.items()])


def _read_sample(located: LocatedSource) -> _Sample:
    columns, unreadable = available_columns(located), dict[str, str]()
    limit = max(MAX_CELLS // max(len(columns), 1), 1000)

    def read(names: Sequence[str]) -> SourceTable:
        return SourceReader.of(located, dict.fromkeys(names, "the file")).first_rows(limit)

    try:
        table = read(columns)
    except InvalidData:
        for name in columns:
            try:
                read([name])
            except InvalidData as error:
                unreadable[name] = error.problems[0].message
        columns = tuple(name for name in columns if name not in unreadable)
        if not columns:
            raise
        table = read(columns)
    if table.rows == 0:
        raise InvalidData.at(located.name, "has no rows")
    profiles = []
    for name in columns:
        try:
            profiles.append(profile_column(table, name))
        except InvalidData as error:
            unreadable[name] = error.problems[0].message
        except (UnreadableType, UnreadableValue, pa.ArrowException) as error:
            unreadable[name] = str(error).partition("\n")[0]
    return _Sample(table, table.rows < limit, profiles, unreadable)


@dataclass(frozen=True)
class _Draft:
    """The guesses from which the data set and the text are made."""

    path: Path
    source: dict[str, Any]
    roles: Roles
    guesses: Sequence[FeatureGuess]
    files: dict[str, str] | None
    sample: _Sample
    time_reading: str
    random_split: bool = False

    @property
    def dataset(self) -> dict[str, Any]:
        """`spec.dataset`."""
        roles = self.roles
        label: dict[str, Any] = {}
        if roles.label is not None:
            label = {"label": {"column": roles.label.column}}
            if roles.positive_when is not None:
                label["label"]["positiveWhen"] = roles.positive_when
            if roles.positive:
                label["label"]["positive"] = list(roles.positive)
        features = [guess.fields for guess in self.guesses if guess.fields is not None]
        result: dict[str, Any] = {"source": self.source, **label, "features": features}
        if roles.user is not None:
            result["user"] = roles.user.column
        if roles.time is not None:
            result["time"] = roles.time.column
        elif roles.label is None:
            result["order"] = "Rows"
        result["split"] = self._split
        if roles.label is None and roles.item is not None:
            result["negatives"] = {"item": roles.item.column, "perPositive": 1}
        return result

    @property
    def _split(self) -> dict[str, Any]:
        roles = self.roles
        if roles.split is not None:
            values = as_yaml_fields(roles.split_values)
            return {"strategy": "Predefined", "column": roles.split.column, **({"values": values} if values else {})}
        if self.files is not None:
            return {"strategy": "Predefined", "files": self.files}
        if roles.label is None:
            return {"strategy": "LeaveLastOut"}
        if roles.time is not None and not self.random_split:
            return {"strategy": "Temporal", "fractions": FRACTIONS}
        return {"strategy": "Random", "fractions": FRACTIONS}

    @property
    def comments(self) -> dict[str, str]:
        """Comments by field of the data set."""
        roles = self.roles
        comments = {
            "label": roles.label.comment if roles.label else "",
            "user": roles.user.comment if roles.user else "",
            "time": f"{roles.time.comment}; {self.time_reading}" if roles.time else "",
            "order": "REVIEW: without a time column, the rows of each user must be in chronological order",
            "negatives": "REVIEW: no column looks like a label, so every row is a click and non-clicks are sampled",
            "split": self._split_comment,
        }
        if self.source.get("header") is False:
            comments["source"] = "REVIEW: the first line has values instead of names, so the columns are numbered"
        elif self.source.get("decimal") == ",":
            comments["source"] = "REVIEW: fields such as 0,5 look like numbers with a decimal comma"
        return comments

    @property
    def _split_comment(self) -> str:
        if self.roles.split is not None:
            return self.roles.split.comment
        if self.files is not None:
            return "the names of the files name the splits"
        if self.roles.label is None:
            return "the last click of each user is test, the one before it validation"
        if self.random_split:
            return "REVIEW: by rows at random, because a split by time leaves a part without both classes"
        if self.roles.time is not None:
            return "the latest rows are test, so that no model sees the future"
        return "REVIEW: no time is recognized, so rows are split at random and models may see the future"


def _tried(draft: _Draft, notes: list[str]) -> ProposedExperiment:
    """Prepare the sample as proposed, leave out features that reveal the label, and write the text."""
    inspection, problem = _inspect(draft)
    if inspection is None and draft.dataset["split"]["strategy"] == "Temporal":
        at_random = replace(draft, random_split=True)
        second, second_problem = _inspect(at_random)
        if second is not None:
            draft, inspection, problem = at_random, second, second_problem
    if inspection is not None:
        keys = {role.column for role in (draft.roles.user, draft.roles.item) if role}
        reviewed = [g if g.column in keys else _reviewed(g, inspection) for g in draft.guesses]
        if any(guess.fields for guess in reviewed) and reviewed != list(draft.guesses):
            draft = replace(draft, guesses=reviewed)
            inspection, problem = _inspect(draft)
    if problem is not None:
        notes.append(f"`ctrlab run` will refuse this experiment: {problem}")
    guesses = [
        *draft.guesses,
        *(FeatureGuess(n, None, f"cannot be read: {r}") for n, r in draft.sample.unreadable.items()),
    ]
    text = experiment_text(experiment_name(draft.path), _head(draft, notes), draft.dataset, draft.comments, guesses)
    parse_manifests(text, "the proposal")
    reviews = [line.strip() for line in text.splitlines() if "REVIEW" in line and not line.startswith("#")]
    proposal = Proposal(text=text, notes=tuple(notes), reviews=tuple(reviews))
    guesses_of_roles = tuple(
        f"{field} {draft.dataset[field]}: {comment}"
        for field, comment in draft.comments.items()
        if field in draft.dataset
    )
    return ProposedExperiment(proposal, Dataset.model_validate(draft.dataset), inspection, guesses_of_roles)


def _inspect(draft: _Draft) -> tuple[Inspection | None, str | None]:
    """Return the inspection of the sample, or the reason why it cannot be prepared."""
    table, dataset = draft.sample.table, Dataset.model_validate(draft.dataset)
    try:
        return describe(table, dataset, encode_dataset(table, dataset), experiment_name(draft.path)), None
    except InvalidInput as error:
        return None, str(error.problems[0])


def _reviewed(guess: FeatureGuess, inspection: Inspection) -> FeatureGuess:
    auc = {feature.name: feature.auc for feature in inspection.features}.get(guess.column) if guess.fields else None
    if auc is None or auc < SUSPICIOUS_AUC:
        return guess
    remark = f"REVIEW: alone reaches AUC {auc:.3f} on validation"
    if auc >= REVEALING_AUC:
        return without(guess, f"{remark}: it probably reveals the label; add it only if it is known before the click")
    return replace(guess, comment=f"{remark}: is it known before the click? {guess.comment}")


def _head(draft: _Draft, notes: Sequence[str]) -> list[str]:
    rows = draft.sample.table.rows
    extent = f"all {rows:,} rows" if draft.sample.complete else f"the first {rows:,} rows"
    head = [
        f"Proposed by `ctrlab init` from {extent} of {draft.path.name}.",
        "Every guess has its reason; check the lines with REVIEW, which another reading fits as well. Then, with this",
        "text in experiment.yaml:",
        "",
        "  ctrlab data inspect experiment.yaml    # what the models will see, and possible leaks",
        "  ctrlab run experiment.yaml",
    ]
    return [*head, *(["", *(f"NOTE: {' '.join(note.split())}" for note in notes)] if notes else [])]


def experiment_name(path: Path) -> str:
    """Return a name for the experiment, from the name of the file."""
    stem = re.sub(r"[^a-z0-9]+", "-", path.name.partition(".")[0].lower()).strip("-")[:40].strip("-")
    return stem or "experiment"


def inspect_file(path: Path) -> Inspection:
    """Return the inspection of a file or folder as the proposed experiment would use it, with the guesses."""
    proposed = propose_experiment(path, {})
    if proposed.inspection is None:
        raise InvalidData.at(path.name, "; ".join(proposed.proposal.notes))
    return proposed.inspection.model_copy(update={"guesses": (*proposed.proposal.notes, *proposed.guesses)})
