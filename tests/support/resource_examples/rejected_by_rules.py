"""Invalid resources in which fields contradict each other: violations of CEL rules."""

from typing import Final

from builders import ABSENT

from resource_examples.rejected_example import RejectedExample

LR: Final = "spec.models[0].search.learning_rate"

REJECTED_BY_RULES: Final[dict[str, RejectedExample]] = {
    "the same Secret for all phases": RejectedExample(
        {"spec.storage.testSecretRef": {"name": "s3"}}, "spec.storage", "must name another Secret", "rule"
    ),
    "no format": RejectedExample(
        {"spec.dataset.source.format": ABSENT}, "spec.dataset.source", "format is required for", "rule"
    ),
    "a side table without format": RejectedExample(
        {"spec.dataset.source.tables[0]": {"uri": "s3://datasets/items", "joinOn": "item_id"}},
        "spec.dataset.source.tables[0]",
        "format is required for s3://datasets/items: one of csv, tsv, parquet",
        "rule",
    ),
    "an extension that implies no format": RejectedExample(
        {"spec.dataset.source": {"uri": "s3://datasets/clicks.txt"}},
        "spec.dataset.source",
        "only the extensions .csv, .tsv",
        "rule",
    ),
    "an unknown scheme": RejectedExample(
        {"spec.dataset.source.uri": "ftp://host/file"},
        "spec.dataset.source.uri",
        "neither a URI with one of file://, s3://, https://, pvc://, builtin:// nor a path",
        "rule",
    ),
    "vectors at https": RejectedExample(
        {"spec.dataset.features[1].pretrained": {"uri": "https://host/v.parquet", "vector": "text"}},
        "spec.dataset.features[1].pretrained.uri",
        "neither a URI with one of file://, s3://, pvc:// nor a path",
        "rule",
    ),
    "an https source without checksum": RejectedExample(
        {"spec.dataset.source.uri": "https://example.org/clicks.csv"},
        "spec.dataset.source",
        "sha256 is required for https:// and only for it",
        "rule",
    ),
    "a separator of parquet": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d", "format": "parquet", "separator": ";"}},
        "spec.dataset.source",
        "separator, quote and decimal are for csv",
        "rule",
    ),
    "a quote of tsv": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.tsv", "quote": "'"}},
        "spec.dataset.source",
        "separator, quote and decimal are for csv",
        "rule",
    ),
    "a separator of a generator": RejectedExample(
        {"spec.dataset.source": {"uri": "builtin://synthetic", "separator": ";"}},
        "spec.dataset.source",
        "separator, quote and decimal are for csv",
        "rule",
    ),
    "a decimal comma between commas": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "decimal": ","}},
        "spec.dataset.source",
        "separator and decimal are the same character",
        "rule",
    ),
    "a separator that is the default quote": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": '"'}},
        "spec.dataset.source",
        "separator and quote are the same character",
        "rule",
    ),
    "a quote that is the separator": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d.csv", "separator": "|", "quote": "|"}},
        "spec.dataset.source",
        "separator and quote are the same character",
        "rule",
    ),
    "a decimal comma between commas in a side table": RejectedExample(
        {"spec.dataset.source.tables[0]": {"uri": "s3://datasets/items.csv", "joinOn": "item_id", "decimal": ","}},
        "spec.dataset.source.tables[0]",
        "separator and decimal are the same character",
        "rule",
    ),
    "columns with a header": RejectedExample(
        {"spec.dataset.source.columns": ["a"]}, "spec.dataset.source", "set header to false", "rule"
    ),
    "a float step beyond the range": RejectedExample(
        {f"{LR}.float": {"low": "0.1", "high": "0.2", "step": "0.5"}},
        f"{LR}.float",
        "step must not be larger than the range from low to high",
        "rule",
    ),
    "an int step beyond the range": RejectedExample(
        {LR: {"int": {"low": 1, "high": 3, "step": 3}}},
        f"{LR}.int",
        "step must not be larger than the range from low to high",
        "rule",
    ),
    "a History without of": RejectedExample(
        {"spec.dataset.features[4].of": ABSENT}, "spec.dataset.features[4]", "of is required for History", "rule"
    ),
    "a History of a Numeric feature": RejectedExample(
        {"spec.dataset.features[4].of": "price"}, "spec.dataset", "known: user_id, item_id", "rule"
    ),
    "a transform of a Categorical feature": RejectedExample(
        {"spec.dataset.features[0].transform": "AsIs"},
        "spec.dataset.features[0]",
        "transform is for Numeric and Vector features",
        "rule",
    ),
    "buckets without QuantileBucket": RejectedExample(
        {"spec.dataset.features[2].transform": "LogBucket"},
        "spec.dataset.features[2]",
        "buckets is for transform QuantileBucket",
        "rule",
    ),
    "a separator of a Numeric feature": RejectedExample(
        {"spec.dataset.features[2].separator": "|"},
        "spec.dataset.features[2]",
        "separator is for MultiCategorical and Vector",
        "rule",
    ),
    "maxLength of a Categorical feature": RejectedExample(
        {"spec.dataset.features[0].maxLength": 5},
        "spec.dataset.features[0]",
        "maxLength is for MultiCategorical and History",
        "rule",
    ),
    "minFrequency of a Numeric feature": RejectedExample(
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
    "two parts with the same value": RejectedExample(
        {"spec.dataset.split": {"strategy": "Predefined", "column": "c", "values": {"train": "test"}}},
        "spec.dataset.split.values",
        "'test' twice",
        "rule",
    ),
    "count of a Random split": RejectedExample(
        {"spec.dataset.split": {"strategy": "Random", "count": 2}},
        "spec.dataset.split",
        "count is for strategy LeaveLastOut",
        "rule",
    ),
    "fractions of a LeaveLastOut split": RejectedExample(
        {"spec.dataset.split.strategy": "LeaveLastOut"},
        "spec.dataset.split",
        "fractions are for strategies Temporal, Random and UserColdStart",
        "rule",
    ),
    "fractions that sum to more than 1": RejectedExample(
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
    "a fraction too large for a double": RejectedExample(
        {"spec.dataset.split.fractions": ["1e999", "0.1", "0.1"]},
        "spec.dataset.split.fractions[0]",
        "too large",
        "rule",
    ),
    "a Temporal split without time": RejectedExample(
        {"spec.dataset.time": ABSENT, "spec.dataset.features[4]": {"name": "a", "type": "Numeric"}},
        "spec.dataset",
        "time is required for a Temporal split",
        "policy",
    ),
    "a LeaveLastOut split without user": RejectedExample(
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
    "a History without user": RejectedExample(
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
    "auc_by_group without group": RejectedExample(
        {"spec.analysis.metrics": ["auc", "auc_by_group"]}, "spec", "auc_by_group needs dataset.group", "rule"
    ),
    "a parameter both fixed and tuned": RejectedExample(
        {"spec.models[0].parameters.dropout": "0.1"}, "spec.models[0]", "'dropout' is either fixed", "rule"
    ),
    "a dimension with two types": RejectedExample(
        {f"{LR}.int": {"low": 1, "high": 2}}, LR, "not float and int", "rule"
    ),
    "a dimension without type": RejectedExample({LR: {}}, LR, "not none of them", "rule"),
    "a float range with low above high": RejectedExample(
        {f"{LR}.float.low": "0.5"}, f"{LR}.float", "low must be below high, not 0.5 and 1e-2", "rule"
    ),
    "a float range with low equal to high": RejectedExample(
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
    "an int range with low above high": RejectedExample(
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
    "a grid with a continuous range": RejectedExample(
        {"spec.tuning.sampler": "Grid"}, "spec", "models[0].search.learning_rate: the Grid sampler needs a step", "rule"
    ),
    "percentile with another pruner": RejectedExample(
        {"spec.tuning.pruner.percentile": "25"},
        "spec.tuning.pruner",
        "percentile is for pruner Percentile, not Median",
        "rule",
    ),
    "a percentile above 100": RejectedExample(
        {"spec.tuning.pruner": {"type": "Percentile", "percentile": "120"}},
        "spec.tuning.pruner",
        "percentile must be above 0 and below 100, not 120",
        "rule",
    ),
    "patience with another pruner": RejectedExample(
        {"spec.tuning.pruner.patience": 3}, "spec.tuning.pruner", "patience is for pruner Patient, not Median", "rule"
    ),
    "minDelta with another pruner": RejectedExample(
        {"spec.tuning.pruner.minDelta": "0.1"},
        "spec.tuning.pruner",
        "minDelta is for pruner Patient, not Median",
        "rule",
    ),
    "a negative minDelta": RejectedExample(
        {"spec.tuning.pruner": {"type": "Patient", "minDelta": "-0.1"}},
        "spec.tuning.pruner",
        "minDelta must be at least 0, not -0.1",
        "rule",
    ),
    "stop without a rule": RejectedExample(
        {"spec.tuning.stop": {}}, "spec.tuning.stop", "at least one of after, gpuTime and noImprovement", "rule"
    ),
    "stop after no time": RejectedExample(
        {"spec.tuning.stop": {"after": "0h"}}, "spec.tuning.stop", "after must be longer than 0, not 0h", "rule"
    ),
    "stop after no GPU time": RejectedExample(
        {"spec.tuning.stop": {"gpuTime": "0m"}},
        "spec.tuning.stop",
        "gpuTime must be longer than 0, not 0m",
        "rule",
    ),
    "a Synchronous study stopped by time": RejectedExample(
        {"spec.tuning.mode": "Synchronous", "spec.tuning.stop": {"after": "1h"}},
        "spec.tuning",
        "a Synchronous study cannot be stopped by time: use stop.noImprovement, or mode Asynchronous",
        "rule",
    ),
    "a warm start of a sampler that does not learn from trials": RejectedExample(
        {"spec.tuning.sampler": "Random", "spec.tuning.warmStart": {"experiment": "team/earlier/0123456789ab"}},
        "spec.tuning",
        "warmStart needs a sampler that learns from trials: TPE, GP or CmaEs, not Random",
        "rule",
    ),
    "a seed count that is not a multiple of the studies": RejectedExample(
        {"spec.tuning.repeats": 3, "spec.evaluation": {"seeds": {"count": 8}}},
        "spec",
        "evaluation.seeds.count must be a multiple of tuning.repeats 3, not 8",
        "rule",
    ),
    "a seed extension with several studies": RejectedExample(
        {"spec.tuning.repeats": 4},
        "spec",
        "evaluation.precision extends seeds, not studies: it cannot be combined with tuning.repeats",
        "rule",
    ),
    "constraints without a search space": RejectedExample(
        {"spec.models[0].search": ABSENT, "spec.models[0].constraints": {"ordered": [["a", "b"]]}},
        "spec.models[0]",
        "constraints need a search or searchSpace: Default",
        "rule",
    ),
    "empty constraints": RejectedExample(
        {"spec.models[0].constraints": {}},
        "spec.models[0].constraints",
        "at least one of forbidden and ordered",
        "rule",
    ),
    "a timeout of no time": RejectedExample(
        {"spec.tuning.timeout": "0h"}, "spec.tuning", "timeout must be longer than 0", "rule"
    ),
    "a maximum of seeds below their count": RejectedExample(
        {"spec.evaluation.seeds.max": 7}, "spec.evaluation.seeds", "max must be at least count", "rule"
    ),
    "precision without a maximum": RejectedExample(
        {"spec.evaluation.seeds.max": ABSENT}, "spec.evaluation", "precision needs seeds.max", "rule"
    ),
    "an interval of width 0": RejectedExample(
        {"spec.evaluation.precision.halfWidth": "0"}, "spec.evaluation.precision", "halfWidth must be above 0", "rule"
    ),
    "a primary metric that is not reported": RejectedExample(
        {"spec.analysis.primaryMetric": "logloss"}, "spec.analysis", "must be one of metrics: auc, gauc", "rule"
    ),
    "a primary metric without direction": RejectedExample(
        {"spec.analysis.primaryMetric": "pcoc", "spec.analysis.metrics": ["auc", "pcoc"]},
        "spec.analysis",
        "primaryMetric can be auc, gauc, auc_by_group, logloss, ne or brier",
        "rule",
    ),
    "a primary metric without sampling error": RejectedExample(
        {"spec.analysis.primaryMetric": "ece", "spec.analysis.metrics": ["auc", "ece"]},
        "spec.analysis",
        "primaryMetric can be auc, gauc, auc_by_group, logloss, ne or brier",
        "rule",
    ),
    "a confidence of 1": RejectedExample(
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
        {"spec.variants[0].remove": ABSENT}, "spec.variants[0]", "must change something", "rule", "Ablation"
    ),
    "a variant named like the full model": RejectedExample(
        {"spec.variants[0].name": "SIN"}, "spec", "cannot have the name of the full model, 'SIN'", "rule", "Ablation"
    ),
    "explicit seeds without count": RejectedExample(
        {"spec.seeds": {"from": "Explicit"}}, "spec.seeds", "count belongs to from: Explicit", "rule", "Ablation"
    ),
    "inherited seeds with a base": RejectedExample(
        {"spec.seeds": {"base": 1}}, "spec.seeds", "base belongs to from: Explicit", "rule", "Ablation"
    ),
}
