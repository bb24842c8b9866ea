"""Invalid resources that the schema alone rejects: types, enums, bounds, patterns, unknown fields."""

from typing import Final

from builders import ABSENT

from resource_examples.rejected_example import RejectedExample

LR: Final = "spec.models[0].search.learning_rate"

REJECTED_BY_SCHEMA: Final[dict[str, RejectedExample]] = {
    "unknown field": RejectedExample({"spec.tuning.trails": 9}, "spec.tuning.trails", "did you mean trials?"),
    "snake_case field": RejectedExample(
        {"spec.dataset.label.positive_when": "> 3"}, "spec.dataset.label.positive_when", "positiveWhen"
    ),
    "the Python name of an API field": RejectedExample(
        {"spec.models[0].search.x": {"int_": {"low": 1, "high": 2}}}, "spec.models[0].search.x.int_", "unknown field"
    ),
    "no models": RejectedExample({"spec.models": ABSENT}, "spec.models", "required, but missing"),
    "empty models": RejectedExample({"spec.models": []}, "spec.models", "needs at least 1, has 0"),
    "an invalid name": RejectedExample(
        {"metadata.name": "Not_A_Label"}, "metadata.name", "expected a name of lowercase"
    ),
    "a name too long for child objects": RejectedExample({"metadata.name": "n" * 53}, "metadata.name", "at most 52"),
    "a list instead of a mapping": RejectedExample({"spec.tuning": [1]}, "spec.tuning", "expected a mapping"),
    "a mapping instead of a list": RejectedExample({"spec.models": {"a": 1}}, "spec.models", "expected a list"),
    "text instead of a number": RejectedExample(
        {"spec.tuning.trials": "50"}, "spec.tuning.trials", "expected a whole number, not '50'"
    ),
    "a fraction instead of an integer": RejectedExample(
        {"spec.tuning.trials": 50.5}, "spec.tuning.trials", "expected a whole number"
    ),
    "a float instead of a decimal string": RejectedExample(
        {"spec.analysis.margin": 0.001}, "spec.analysis.margin", 'write it in quotes: "0.001"'
    ),
    "text instead of a boolean": RejectedExample({"spec.suspend": "yes"}, "spec.suspend", "expected true or false"),
    "an unknown enum value": RejectedExample({"spec.tuning.sampler": "tpe"}, "spec.tuning.sampler", "'TPE', 'Random'"),
    "an unknown pruner": RejectedExample(
        {"spec.tuning.pruner.type": "ASHA"}, "spec.tuning.pruner.type", "'Hyperband', 'SuccessiveHalving'"
    ),
    "a negative warm-up": RejectedExample(
        {"spec.tuning.pruner.warmupEpochs": -1}, "spec.tuning.pruner.warmupEpochs", "greater than or equal to 0, not -1"
    ),
    "startup trials as text": RejectedExample(
        {"spec.tuning.pruner.startupTrials": "few"}, "spec.tuning.pruner.startupTrials", "a whole number, not 'few'"
    ),
    "a patience of 0": RejectedExample(
        {"spec.tuning.pruner": {"type": "Patient", "patience": 0}},
        "spec.tuning.pruner.patience",
        "greater than or equal to 1, not 0",
    ),
    "an unknown mode": RejectedExample(
        {"spec.tuning.mode": "Deterministic"}, "spec.tuning.mode", "'Asynchronous' or 'Synchronous'"
    ),
    "stop after no trial": RejectedExample(
        {"spec.tuning.stop": {"noImprovement": 0}},
        "spec.tuning.stop.noImprovement",
        "greater than or equal to 1, not 0",
    ),
    "stop after a time without unit": RejectedExample(
        {"spec.tuning.stop": {"after": "12"}}, "spec.tuning.stop.after", "expected a length of time with units"
    ),
    "no study": RejectedExample({"spec.tuning.repeats": 0}, "spec.tuning.repeats", "greater than or equal to 1, not 0"),
    "a warm start with only a name": RejectedExample(
        {"spec.tuning.warmStart": {"experiment": "earlier"}},
        "spec.tuning.warmStart.experiment",
        "expected NAMESPACE/NAME/UID",
    ),
    "an empty condition": RejectedExample({f"{LR}.when": {}}, f"{LR}.when", "needs at least 1, has 0"),
    "an order of one parameter": RejectedExample(
        {"spec.models[0].constraints": {"ordered": [["dropout"]]}},
        "spec.models[0].constraints.ordered[0]",
        "needs at least 2, has 1",
    ),
    "an unknown metric": RejectedExample(
        {"spec.analysis.metrics": ["auc", "f1"]}, "spec.analysis.metrics[1]", "'brier'"
    ),
    "no seed per pod": RejectedExample(
        {"spec.evaluation.seedsPerPod": 0}, "spec.evaluation.seedsPerPod", "greater than or equal to 1, not 0"
    ),
    "fewer than five seeds": RejectedExample(
        {"spec.evaluation.seeds.count": 4}, "spec.evaluation.seeds.count", "greater than or equal to 5, not 4"
    ),
    "no trials": RejectedExample({"spec.tuning.trials": 0}, "spec.tuning.trials", "greater than or equal to 1"),
    "a duration without unit": RejectedExample(
        {"spec.tuning.timeout": "90"}, "spec.tuning.timeout", "expected a length of time with units"
    ),
    "an invalid label comparison": RejectedExample(
        {"spec.dataset.label.positiveWhen": "4 or 5"}, "spec.dataset.label.positiveWhen", 'such as ">= 4"'
    ),
    "two fractions": RejectedExample(
        {"spec.dataset.split.fractions": ["0.9", "0.1"]}, "spec.dataset.split.fractions[2]", "required, but missing"
    ),
    "no features": RejectedExample({"spec.dataset.features": []}, "spec.dataset.features", "needs at least 1"),
    "an empty search space": RejectedExample({"spec.models[0].search": {}}, "spec.models[0].search", "at least 1"),
    "no choices": RejectedExample({LR: {"categorical": []}}, f"{LR}.categorical", "at least 1"),
    "true as a fixed parameter": RejectedExample(
        {"spec.models[1].parameters": {"batch_norm": True}},
        "spec.models[1].parameters.batch_norm",
        'write it in quotes: "true"',
    ),
    "a list as a fixed parameter": RejectedExample(
        {"spec.models[1].parameters": {"hidden_units": [64, 32]}},
        "spec.models[1].parameters.hidden_units",
        'write it in quotes: "64,32"',
    ),
    "an invalid quantity": RejectedExample(
        {"spec.runtime.resources.limits.memory": "8 GB"},
        "spec.runtime.resources.limits.memory",
        "expected a Kubernetes quantity",
    ),
    "a field that would give privileges": RejectedExample(
        {"spec.runtime.serviceAccountName": "admin"}, "spec.runtime.serviceAccountName", "unknown field"
    ),
    "an ablation without variants": RejectedExample(
        {"spec.variants": []}, "spec.variants", "needs at least 1", kind="Ablation"
    ),
    "an ablation without experiment": RejectedExample(
        {"spec.experimentRef": ABSENT}, "spec.experimentRef", "required, but missing", kind="Ablation"
    ),
    "an ablation with fewer than five seeds": RejectedExample(
        {"spec.seeds": {"from": "Explicit", "count": 4}},
        "spec.seeds.count",
        "greater than or equal to 5",
        kind="Ablation",
    ),
    "a separator of two characters": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": "::"}},
        "spec.dataset.source.separator",
        "at most 1 character",
    ),
    "a digit as separator": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": "0"}},
        "spec.dataset.source.separator",
        "one ASCII character other than letters",
    ),
    "a line break as separator": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": "\n"}},
        "spec.dataset.source.separator",
        "one ASCII character other than letters",
    ),
    "an empty separator": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": ""}},
        "spec.dataset.source.separator",
        "one ASCII character other than letters",
    ),
    "a letter as quote": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "quote": "q"}},
        "spec.dataset.source.quote",
        "one ASCII punctuation mark",
    ),
    "another decimal character": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "decimal": "'"}},
        "spec.dataset.source.decimal",
        "expected '.' or ','",
    ),
}
