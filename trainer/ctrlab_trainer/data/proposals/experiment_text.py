"""The proposed experiment as commented YAML."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ctrlab_api.names import API_VERSION
from ctrlab_trainer.data.proposals.feature_guesses import FeatureGuess

PLAIN: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
NOT_TEXT: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""Words, in lower case, that YAML or one of its dialects does not read as text."""


def experiment_text(
    name: str,
    head: Sequence[str],
    dataset: Mapping[str, Any],
    comments: Mapping[str, str],
    guesses: Sequence[FeatureGuess],
) -> str:
    """Return the YAML; `comments` are by field of `dataset`, whose `features` are replaced by `guesses`."""
    lines = [f"# {line}".rstrip() for line in head]
    lines += [f"apiVersion: {API_VERSION}", "kind: CTRExperiment", f"metadata: {{name: {_flow(name)}}}", "spec:"]
    lines.append("  dataset:")
    for field, value in dataset.items():
        if field == "features":
            lines += ["    features:", *_features(guesses)]
        else:
            lines += _with_comment(f"    {field}: {_flow(value)}", comments.get(field, ""))
    has_history = any(guess.fields and guess.fields["type"] == "History" for guess in guesses)
    lines += _models(has_history)
    return "\n".join(lines) + "\n"


def _features(guesses: Sequence[FeatureGuess]) -> Iterator[str]:
    for guess in guesses:
        if guess.fields is not None:
            yield from _with_comment(f"      - {_flow(guess.fields)}", guess.comment)
    left_out = [guess for guess in guesses if guess.fields is None]
    if left_out:
        yield "      # Left out:"
    for guess in left_out:
        yield f"      #   {_flow(guess.column)}: {_one_line(guess.comment)}"


def _models(has_history: bool) -> Iterator[str]:
    yield "  models:    # the first is the reference; `ctrlab architectures` lists all"
    architectures = [("LR", "lr"), ("DeepFM", "deepfm"), *([("DIN", "din")] if has_history else [])]
    for title, architecture in architectures:
        yield f"    - {{name: {title}, architecture: {architecture}, searchSpace: Default}}"
    yield "  tuning: {sampler: TPE, trials: 10}    # trials for each model; 30 or more for a result to publish"
    yield "  evaluation: {seeds: {count: 5}}    # final runs of each model"


def _with_comment(line: str, comment: str) -> list[str]:
    return [f"{line}    # {_one_line(comment)}" if comment else line]


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _flow(value: Any) -> str:
    """Return a value in YAML's flow style; text is in quotes unless every reader of YAML takes it as text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(element) for element in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if (PLAIN.match(value) or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value)) and _is_text(value):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _is_text(value: str) -> bool:
    return value.lower() not in NOT_TEXT and (value[0].isalpha() or value[0] == "_")


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"
