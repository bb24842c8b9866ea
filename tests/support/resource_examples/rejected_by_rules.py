"""Bad resources in which one field does not go with another: what CEL rules say."""

from typing import Final

from builders import ABSENT

from resource_examples.rejected_example import RejectedExample

LR: Final = "spec.models[0].search.learning_rate"

REJECTED_BY_RULES: Final[dict[str, RejectedExample]] = {
    "one Secret for everything and the seal": RejectedExample(
        {"spec.storage.testSecretRef": {"name": "s3"}}, "spec.storage", "must name another Secret", "rule"
    ),
    "no format": RejectedExample(
        {"spec.dataset.source.format": ABSENT}, "spec.dataset.source", "format is required unless", "rule"
    ),
    "an address without a checksum": RejectedExample(
        {"spec.dataset.source.uri": "https://example.org/clicks.csv"},
        "spec.dataset.source",
        "sha256 is required for https:// and only for it",
        "rule",
    ),
    "columns beside a header": RejectedExample(
        {"spec.dataset.source.columns": ["a"]}, "spec.dataset.source", "set header to false", "rule"
    ),
    "a history of nothing": RejectedExample(
        {"spec.dataset.features[4].of": ABSENT}, "spec.dataset.features[4]", "of is required for History", "rule"
    ),
    "a history of a number": RejectedExample(
        {"spec.dataset.features[4].of": "price"}, "spec.dataset", "known: user_id, item_id", "rule"
    ),
    "a transform of a category": RejectedExample(
        {"spec.dataset.features[0].transform": "AsIs"},
        "spec.dataset.features[0]",
        "transform is for Numeric features",
        "rule",
    ),
    "buckets without quantiles": RejectedExample(
        {"spec.dataset.features[2].transform": "LogBucket"},
        "spec.dataset.features[2]",
        "buckets is for transform QuantileBucket",
        "rule",
    ),
    "a separator of a number": RejectedExample(
        {"spec.dataset.features[2].separator": "|"},
        "spec.dataset.features[2]",
        "separator is for MultiCategorical",
        "rule",
    ),
    "a length of a category": RejectedExample(
        {"spec.dataset.features[0].maxLength": 5},
        "spec.dataset.features[0]",
        "maxLength is for MultiCategorical and History",
        "rule",
    ),
    "a frequency of a number": RejectedExample(
        {"spec.dataset.features[2].minFrequency": 5},
        "spec.dataset.features[2]",
        "minFrequency is for Categorical",
        "rule",
    ),
    "the label as a feature": RejectedExample(
        {"spec.dataset.label.column": "price"}, "spec.dataset", "cannot be a feature", "rule"
    ),
    "a predefined split without column": RejectedExample(
        {"spec.dataset.split": {"strategy": "Predefined"}},
        "spec.dataset.split",
        "column or files is required for strategy Predefined",
        "rule",
    ),
    "a split column for a random split": RejectedExample(
        {"spec.dataset.split": {"strategy": "Random", "column": "c"}},
        "spec.dataset.split",
        "column or files is required for strategy Predefined",
        "rule",
    ),
    "parts of one value": RejectedExample(
        {"spec.dataset.split": {"strategy": "Predefined", "column": "c", "values": {"train": "test"}}},
        "spec.dataset.split.values",
        "'test' twice",
        "rule",
    ),
    "fractions of a leave-last-out split": RejectedExample(
        {"spec.dataset.split.strategy": "LeaveLastOut"},
        "spec.dataset.split",
        "fractions are for strategies Temporal, Random and UserColdStart",
        "rule",
    ),
    "fractions beyond 1": RejectedExample(
        {"spec.dataset.split.fractions": ["0.8", "0.1", "0.2"]},
        "spec.dataset.split",
        "sum to 1, not 0.8, 0.1, 0.2",
        "rule",
    ),
    "a negative fraction": RejectedExample(
        {"spec.dataset.split.fractions": ["1.1", "-0.2", "0.1"]},
        "spec.dataset.split",
        "three positive decimals",
        "rule",
    ),
    "a fraction beyond all numbers": RejectedExample(
        {"spec.dataset.split.fractions": ["1e999", "0.1", "0.1"]},
        "spec.dataset.split.fractions[0]",
        "too large",
        "rule",
    ),
    "a temporal split without time": RejectedExample(
        {"spec.dataset.time": ABSENT, "spec.dataset.features[4]": {"name": "a", "type": "Numeric"}},
        "spec.dataset",
        "time is required for a Temporal split",
        "rule",
    ),
    "a leave-last-out split without user": RejectedExample(
        {
            "spec.dataset.user": ABSENT,
            "spec.dataset.negatives": ABSENT,
            "spec.dataset.features[4]": {"name": "a", "type": "Numeric"},
            "spec.dataset.split": {"strategy": "LeaveLastOut"},
            "spec.analysis": ABSENT,
        },
        "spec.dataset",
        "user is required for a LeaveLastOut split",
        "rule",
    ),
    "a history without user": RejectedExample(
        {"spec.dataset.user": ABSENT, "spec.dataset.negatives": ABSENT},
        "spec.dataset",
        "user and time (or order) are required for the History",
        "rule",
    ),
    "gauc without user": RejectedExample(
        {
            "spec.dataset.user": ABSENT,
            "spec.dataset.negatives": ABSENT,
            "spec.dataset.features[4]": {"name": "a", "type": "Numeric"},
        },
        "spec",
        "gauc needs dataset.user",
        "rule",
    ),
    "a parameter fixed and tuned": RejectedExample(
        {"spec.models[0].parameters.dropout": "0.1"}, "spec.models[0]", "'dropout' is either fixed", "rule"
    ),
    "two forms of a dimension": RejectedExample({f"{LR}.int": {"low": 1, "high": 2}}, LR, "not float and int", "rule"),
    "no form of a dimension": RejectedExample({LR: {}}, LR, "not none of them", "rule"),
    "a float range upside down": RejectedExample(
        {f"{LR}.float.low": "0.5"}, f"{LR}.float", "low must be below high, not 0.5 and 1e-2", "rule"
    ),
    "a float range of one point": RejectedExample(
        {f"{LR}.float.low": "0.01"}, f"{LR}.float", "low must be below high", "rule"
    ),
    "a log scale from 0": RejectedExample(
        {f"{LR}.float.low": "0"}, f"{LR}.float", "a log scale needs low above 0", "rule"
    ),
    "a step on a log scale": RejectedExample(
        {f"{LR}.float.step": "0.001"}, f"{LR}.float", "step cannot be combined with log", "rule"
    ),
    "a step of 0": RejectedExample(
        {"spec.models[0].search.dropout.float.step": "0"},
        "spec.models[0].search.dropout.float",
        "step must be above 0",
        "rule",
    ),
    "an int range upside down": RejectedExample(
        {"spec.models[1].search.epochs.int.low": 9},
        "spec.models[1].search.epochs.int",
        "low must be below high, not 9 and 8",
        "rule",
    ),
    "an int log scale from 0": RejectedExample(
        {"spec.models[0].search.fusion_dim.int.low": 0},
        "spec.models[0].search.fusion_dim.int",
        "a log scale needs low above 0",
        "rule",
    ),
    "an int step on a log scale": RejectedExample(
        {"spec.models[0].search.fusion_dim.int.step": 2},
        "spec.models[0].search.fusion_dim.int",
        "step cannot be combined",
        "rule",
    ),
    "a grid over the reals": RejectedExample(
        {"spec.tuning.sampler": "Grid"}, "spec", "models[0].search.learning_rate: the Grid sampler needs a step", "rule"
    ),
    "a percentile for another pruner": RejectedExample(
        {"spec.tuning.pruner.percentile": "25"},
        "spec.tuning.pruner",
        "percentile is for pruner Percentile, not Median",
        "rule",
    ),
    "a percentile beyond 100": RejectedExample(
        {"spec.tuning.pruner": {"type": "Percentile", "percentile": "120"}},
        "spec.tuning.pruner",
        "percentile must be above 0 and below 100, not 120",
        "rule",
    ),
    "patience for another pruner": RejectedExample(
        {"spec.tuning.pruner.patience": 3}, "spec.tuning.pruner", "patience is for pruner Patient, not Median", "rule"
    ),
    "a least gain for another pruner": RejectedExample(
        {"spec.tuning.pruner.minDelta": "0.1"},
        "spec.tuning.pruner",
        "minDelta is for pruner Patient, not Median",
        "rule",
    ),
    "a negative least gain": RejectedExample(
        {"spec.tuning.pruner": {"type": "Patient", "minDelta": "-0.1"}},
        "spec.tuning.pruner",
        "minDelta must be at least 0, not -0.1",
        "rule",
    ),
    "a stop without rule": RejectedExample(
        {"spec.tuning.stop": {}}, "spec.tuning.stop", "at least one of after, gpuTime and noImprovement", "rule"
    ),
    "a stop after nothing": RejectedExample(
        {"spec.tuning.stop": {"after": "0h"}}, "spec.tuning.stop", "after must be longer than nothing, not 0h", "rule"
    ),
    "a stop after no GPU time": RejectedExample(
        {"spec.tuning.stop": {"gpuTime": "0m"}},
        "spec.tuning.stop",
        "gpuTime must be longer than nothing, not 0m",
        "rule",
    ),
    "a synchronous search that the clock stops": RejectedExample(
        {"spec.tuning.mode": "Synchronous", "spec.tuning.stop": {"after": "1h"}},
        "spec.tuning",
        "a Synchronous search cannot be stopped by the clock: use stop.noImprovement, or mode Asynchronous",
        "rule",
    ),
    "a warm start of a sampler that does not learn": RejectedExample(
        {"spec.tuning.sampler": "Random", "spec.tuning.warmStart": {"experiment": "team/earlier/0123456789ab"}},
        "spec.tuning",
        "warmStart is for the samplers that learn from trials: TPE, GP and CmaEs, not Random",
        "rule",
    ),
    "seeds that are no multiple of the searches": RejectedExample(
        {"spec.tuning.repeats": 3, "spec.evaluation": {"seeds": {"count": 8}}},
        "spec",
        "evaluation.seeds.count must be a multiple of tuning.repeats 3, not 8",
        "rule",
    ),
    "an extension of seeds with several searches": RejectedExample(
        {"spec.tuning.repeats": 4},
        "spec",
        "evaluation.precision extends seeds, not searches: it cannot be combined with tuning.repeats",
        "rule",
    ),
    "constraints of nothing": RejectedExample(
        {"spec.models[0].search": ABSENT, "spec.models[0].constraints": {"ordered": [["a", "b"]]}},
        "spec.models[0]",
        "constraints need a search or searchSpace: Default",
        "rule",
    ),
    "constraints without any": RejectedExample(
        {"spec.models[0].constraints": {}},
        "spec.models[0].constraints",
        "at least one of forbidden and ordered",
        "rule",
    ),
    "a timeout of nothing": RejectedExample(
        {"spec.tuning.timeout": "0h"}, "spec.tuning", "timeout must be longer than nothing", "rule"
    ),
    "fewer seeds at most than at least": RejectedExample(
        {"spec.evaluation.seeds.max": 7}, "spec.evaluation.seeds", "max must be at least count", "rule"
    ),
    "precision without a maximum": RejectedExample(
        {"spec.evaluation.seeds.max": ABSENT}, "spec.evaluation", "precision needs seeds.max", "rule"
    ),
    "an interval without width": RejectedExample(
        {"spec.evaluation.precision.halfWidth": "0"}, "spec.evaluation.precision", "halfWidth must be above 0", "rule"
    ),
    "a primary metric that is not reported": RejectedExample(
        {"spec.analysis.primaryMetric": "logloss"}, "spec.analysis", "must be one of metrics: auc, gauc", "rule"
    ),
    "a primary metric without direction": RejectedExample(
        {"spec.analysis.primaryMetric": "pcoc", "spec.analysis.metrics": ["auc", "pcoc"]},
        "spec.analysis",
        "primaryMetric can be auc, gauc, logloss, ne or brier",
        "rule",
    ),
    "a primary metric without sampling error": RejectedExample(
        {"spec.analysis.primaryMetric": "ece", "spec.analysis.metrics": ["auc", "ece"]},
        "spec.analysis",
        "primaryMetric can be auc, gauc, logloss, ne or brier",
        "rule",
    ),
    "certainty": RejectedExample(
        {"spec.analysis.confidence": "1"}, "spec.analysis", "confidence must be at least 0.5 and below 1", "rule"
    ),
    "confidence in percent": RejectedExample({"spec.analysis.confidence": "95"}, "spec.analysis", "not 95", "rule"),
    "a margin of 0": RejectedExample(
        {"spec.analysis.margin": "0.0"}, "spec.analysis", "margin must be above 0", "rule"
    ),
    "an unknown reference": RejectedExample(
        {"spec.analysis.reference": "DIN"}, "spec", "no model is named 'DIN'; known: SIN, DeepFM", "rule"
    ),
    "a variant that changes nothing": RejectedExample(
        {"spec.variants[0].remove": ABSENT}, "spec.variants[0]", "changes something", "rule", "Ablation"
    ),
    "a variant called like the full model": RejectedExample(
        {"spec.variants[0].name": "SIN"}, "spec", "cannot have the name of the full model, 'SIN'", "rule", "Ablation"
    ),
    "explicit seeds without count": RejectedExample(
        {"spec.seeds": {"from": "Explicit"}}, "spec.seeds", "count belongs to from: Explicit", "rule", "Ablation"
    ),
    "inherited seeds with a base": RejectedExample(
        {"spec.seeds": {"base": 1}}, "spec.seeds", "base belongs to from: Explicit", "rule", "Ablation"
    ),
}
