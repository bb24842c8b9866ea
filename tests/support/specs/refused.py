"""Resources that are refused: what is changed in a good one, where the refusal points, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from specs.changes import ABSENT, changed
from specs.sound import ABLATION, EXPERIMENT

By = Literal["schema", "rule", "operator"]


@dataclass(frozen=True)
class Refused:
    """One bad resource."""

    changes: Mapping[str, Any]
    where: str
    """The path that `ctrlab validate` shows."""
    says: str
    """Part of its message."""
    by: By = "schema"
    """Who refuses it on a cluster: the schema, a CEL rule, or the operator, which runs the models' checks before it
    freezes a plan (what a schema cannot say)."""
    kind: Literal["CTRExperiment", "Ablation"] = "CTRExperiment"
    """Which good resource it is made from."""

    @property
    def content(self) -> dict[str, Any]:
        """The bad resource."""
        return changed(EXPERIMENT if self.kind == "CTRExperiment" else ABLATION, self.changes)


LR: Final = "spec.models[0].search.learning_rate"

STRUCTURE = {
    "unknown field": Refused({"spec.tuning.trails": 9}, "spec.tuning.trails", "did you mean trials?"),
    "snake_case field": Refused({"spec.dataset.label.positive_when": "> 3"}, "spec.dataset.label.positive_when", "positiveWhen"),
    "a key of the API spelt as in Python": Refused({"spec.models[0].search.x": {"int_": {"low": 1, "high": 2}}}, "spec.models[0].search.x.int_", "unknown field"),
    "no models": Refused({"spec.models": ABSENT}, "spec.models", "required, but missing"),
    "empty models": Refused({"spec.models": []}, "spec.models", "needs at least 1, has 0"),
    "no name": Refused({"metadata.name": "Not_A_Label"}, "metadata.name", "does not have the form"),
    "a name too long for children": Refused({"metadata.name": "n" * 53}, "metadata.name", "at most 52"),
    "a list instead of a mapping": Refused({"spec.tuning": [1]}, "spec.tuning", "expected a mapping"),
    "a mapping instead of a list": Refused({"spec.models": {"a": 1}}, "spec.models", "expected a list"),
    "text where a number belongs": Refused({"spec.tuning.trials": "50"}, "spec.tuning.trials", "expected a whole number, not '50'"),
    "a fraction where a whole number belongs": Refused({"spec.tuning.trials": 50.5}, "spec.tuning.trials", "expected a whole number"),
    "a float where a decimal string belongs": Refused({"spec.analysis.margin": 0.001}, "spec.analysis.margin", 'write it in quotes, such as "0.001"'),
    "text where a switch belongs": Refused({"spec.suspend": "yes"}, "spec.suspend", "expected true or false"),
    "an unknown enum value": Refused({"spec.tuning.sampler": "tpe"}, "spec.tuning.sampler", "'TPE', 'Random'"),
    "a metric that does not exist": Refused({"spec.analysis.metrics": ["auc", "f1"]}, "spec.analysis.metrics[1]", "'brier'"),
    "four seeds": Refused({"spec.evaluation.seeds.count": 4}, "spec.evaluation.seeds.count", "greater than or equal to 5, not 4"),
    "no trials": Refused({"spec.tuning.trials": 0}, "spec.tuning.trials", "greater than or equal to 1"),
    "a duration without unit": Refused({"spec.tuning.timeout": "90"}, "spec.tuning.timeout", "does not have the form"),
    "an unknown scheme": Refused({"spec.dataset.source.uri": "ftp://host/file"}, "spec.dataset.source.uri", "does not have the form"),
    "a label comparison that is none": Refused({"spec.dataset.label.positiveWhen": "4 or 5"}, "spec.dataset.label.positiveWhen", "does not have the form"),
    "two fractions": Refused({"spec.dataset.split.fractions": ["0.9", "0.1"]}, "spec.dataset.split.fractions[2]", "required, but missing"),
    "no features": Refused({"spec.dataset.features": []}, "spec.dataset.features", "needs at least 1"),
    "an empty search space": Refused({"spec.models[0].search": {}}, "spec.models[0].search", "at least 1"),
    "no categories": Refused({LR: {"categorical": []}}, f"{LR}.categorical", "at least 1"),
    "true as a fixed parameter": Refused({"spec.models[1].parameters": {"batch_norm": True}}, "spec.models[1].parameters.batch_norm", 'write it in quotes: "true"'),
    "a list as a fixed parameter": Refused({"spec.models[1].parameters": {"hidden_units": [64, 32]}}, "spec.models[1].parameters.hidden_units", 'write it in quotes: "64,32"'),
    "a quantity that is none": Refused({"spec.runtime.resources.limits.memory": "8 GB"}, "spec.runtime.resources.limits.memory", "does not have the form"),
    "a privileged field": Refused({"spec.runtime.serviceAccountName": "admin"}, "spec.runtime.serviceAccountName", "unknown field"),
    "an ablation without variants": Refused({"spec.variants": []}, "spec.variants", "needs at least 1", kind="Ablation"),
    "an ablation of nothing": Refused({"spec.experimentRef": ABSENT}, "spec.experimentRef", "required, but missing", kind="Ablation"),
    "an ablation's four seeds": Refused({"spec.seeds": {"from": "Explicit", "count": 4}}, "spec.seeds.count", "greater than or equal to 5", kind="Ablation"),
}  # fmt: skip
"""What a schema can say."""

REPEATED = {
    "two models of one name": Refused({"spec.models[1].name": "SIN"}, "spec", "models: the name 'SIN' is given twice"),
    "two features of one name": Refused({"spec.dataset.features[1].name": "user_id"}, "spec.dataset", "features: the name 'user_id' is given twice"),
    "a metric given twice": Refused({"spec.analysis.metrics": ["auc", "auc"]}, "spec.analysis.metrics", "'auc' is given twice"),
    "a category given twice": Refused({LR: {"categorical": ["1e-3", "1e-3"]}}, f"{LR}.categorical", "'1e-3' is given twice"),
    "a column given twice": Refused({"spec.dataset.source": {"uri": "file:///d", "format": "csv", "header": False, "columns": ["a", "a"]}}, "spec.dataset.source.columns", "'a' is given twice"),
    "a variable given twice": Refused({"spec.runtime.env[1].name": "A"}, "spec.runtime", "env: the name 'A' is given twice"),
    "two variants of one name": Refused({"spec.variants[1].name": "without-CIN"}, "spec", "variants: the name 'without-CIN' is given twice", kind="Ablation"),
    "a part removed twice": Refused({"spec.variants[0].remove": ["cin", "cin"]}, "spec.variants[0].remove", "'cin' is given twice", kind="Ablation"),
}  # fmt: skip
"""What the keys of lists say."""

RULES = {
    "no format": Refused({"spec.dataset.source.format": ABSENT}, "spec.dataset.source", "format is required unless", "rule"),
    "columns beside a header": Refused({"spec.dataset.source.columns": ["a"]}, "spec.dataset.source", "set header to false", "rule"),
    "a history of nothing": Refused({"spec.dataset.features[4].of": ABSENT}, "spec.dataset.features[4]", "of is required for History", "rule"),
    "a history of a number": Refused({"spec.dataset.features[4].of": "price"}, "spec.dataset", "known: user_id, item_id", "rule"),
    "a transform of a category": Refused({"spec.dataset.features[0].transform": "AsIs"}, "spec.dataset.features[0]", "transform is for Numeric features", "rule"),
    "buckets without quantiles": Refused({"spec.dataset.features[2].transform": "LogBucket"}, "spec.dataset.features[2]", "buckets is for transform QuantileBucket", "rule"),
    "a separator of a number": Refused({"spec.dataset.features[2].separator": "|"}, "spec.dataset.features[2]", "separator is for MultiCategorical", "rule"),
    "a length of a category": Refused({"spec.dataset.features[0].maxLength": 5}, "spec.dataset.features[0]", "maxLength is for MultiCategorical and History", "rule"),
    "a frequency of a number": Refused({"spec.dataset.features[2].minFrequency": 5}, "spec.dataset.features[2]", "minFrequency is for Categorical", "rule"),
    "the label as a feature": Refused({"spec.dataset.label.column": "price"}, "spec.dataset", "cannot be a feature", "rule"),
    "a predefined split without column": Refused({"spec.dataset.split": {"strategy": "Predefined"}}, "spec.dataset.split", "column is required for strategy Predefined", "rule"),
    "a split column for a random split": Refused({"spec.dataset.split": {"strategy": "Random", "column": "c"}}, "spec.dataset.split", "column is required for strategy Predefined", "rule"),
    "parts of one value": Refused({"spec.dataset.split": {"strategy": "Predefined", "column": "c", "values": {"train": "test"}}}, "spec.dataset.split.values", "'test' twice", "rule"),
    "fractions of a leave-last-out split": Refused({"spec.dataset.split.strategy": "LeaveLastOut"}, "spec.dataset.split", "fractions are for strategies Temporal and Random", "rule"),
    "fractions beyond 1": Refused({"spec.dataset.split.fractions": ["0.8", "0.1", "0.2"]}, "spec.dataset.split", "sum to 1, not 0.8, 0.1, 0.2", "rule"),
    "a negative fraction": Refused({"spec.dataset.split.fractions": ["1.1", "-0.2", "0.1"]}, "spec.dataset.split", "three positive decimals", "rule"),
    "a fraction beyond all numbers": Refused({"spec.dataset.split.fractions": ["1e999", "0.1", "0.1"]}, "spec.dataset.split.fractions[0]", "too large", "rule"),
    "a temporal split without time": Refused({"spec.dataset.time": ABSENT, "spec.dataset.features[4]": {"name": "a", "type": "Numeric"}}, "spec.dataset", "time is required for a Temporal split", "rule"),
    "a leave-last-out split without user": Refused({"spec.dataset.user": ABSENT, "spec.dataset.features[4]": {"name": "a", "type": "Numeric"}, "spec.dataset.split": {"strategy": "LeaveLastOut"}, "spec.analysis": ABSENT}, "spec.dataset", "user is required for a LeaveLastOut split", "rule"),
    "a history without user": Refused({"spec.dataset.user": ABSENT}, "spec.dataset", "user and time are required for the History", "rule"),
    "gauc without user": Refused({"spec.dataset.user": ABSENT, "spec.dataset.features[4]": {"name": "a", "type": "Numeric"}}, "spec", "gauc needs dataset.user", "rule"),
    "a parameter fixed and tuned": Refused({"spec.models[0].parameters.dropout": "0.1"}, "spec.models[0]", "'dropout' is either fixed", "rule"),
    "two forms of a dimension": Refused({f"{LR}.int": {"low": 1, "high": 2}}, LR, "not float and int", "rule"),
    "no form of a dimension": Refused({LR: {}}, LR, "not none of them", "rule"),
    "a float range upside down": Refused({f"{LR}.float.low": "0.5"}, f"{LR}.float", "low must be below high, not 0.5 and 1e-2", "rule"),
    "a float range of one point": Refused({f"{LR}.float.low": "0.01"}, f"{LR}.float", "low must be below high", "rule"),
    "a log scale from 0": Refused({f"{LR}.float.low": "0"}, f"{LR}.float", "a log scale needs low above 0", "rule"),
    "a step on a log scale": Refused({f"{LR}.float.step": "0.001"}, f"{LR}.float", "step cannot be combined with log", "rule"),
    "a step of 0": Refused({"spec.models[0].search.dropout.float.step": "0"}, "spec.models[0].search.dropout.float", "step must be above 0", "rule"),
    "an int range upside down": Refused({"spec.models[1].search.epochs.int.low": 9}, "spec.models[1].search.epochs.int", "low must be below high, not 9 and 8", "rule"),
    "an int log scale from 0": Refused({"spec.models[0].search.fusion_dim.int.low": 0}, "spec.models[0].search.fusion_dim.int", "a log scale needs low above 0", "rule"),
    "an int step on a log scale": Refused({"spec.models[0].search.fusion_dim.int.step": 2}, "spec.models[0].search.fusion_dim.int", "step cannot be combined", "rule"),
    "a grid over the reals": Refused({"spec.tuning.sampler": "Grid"}, "spec", "models[0].search.learning_rate: the Grid sampler needs a step", "rule"),
    "a timeout of nothing": Refused({"spec.tuning.timeout": "0h"}, "spec.tuning", "timeout must be longer than nothing", "rule"),
    "fewer seeds at most than at least": Refused({"spec.evaluation.seeds.max": 7}, "spec.evaluation.seeds", "max must be at least count", "rule"),
    "precision without a maximum": Refused({"spec.evaluation.seeds.max": ABSENT}, "spec.evaluation", "precision needs seeds.max", "rule"),
    "an interval without width": Refused({"spec.evaluation.precision.halfWidth": "0"}, "spec.evaluation.precision", "halfWidth must be above 0", "rule"),
    "a primary metric that is not reported": Refused({"spec.analysis.primaryMetric": "logloss"}, "spec.analysis", "must be one of metrics: auc, gauc", "rule"),
    "certainty": Refused({"spec.analysis.confidence": "1"}, "spec.analysis", "confidence must be at least 0.5 and below 1", "rule"),
    "confidence in percent": Refused({"spec.analysis.confidence": "95"}, "spec.analysis", "not 95", "rule"),
    "a margin of 0": Refused({"spec.analysis.margin": "0.0"}, "spec.analysis", "margin must be above 0", "rule"),
    "an unknown reference": Refused({"spec.analysis.reference": "DIN"}, "spec", "no model is named 'DIN'; known: SIN, DeepFM", "rule"),
    "a variant that changes nothing": Refused({"spec.variants[0].remove": ABSENT}, "spec.variants[0]", "changes something", "rule", "Ablation"),
    "a variant called like the full model": Refused({"spec.variants[0].name": "SIN"}, "spec", "cannot have the name of the full model, 'SIN'", "rule", "Ablation"),
    "explicit seeds without count": Refused({"spec.seeds": {"from": "Explicit"}}, "spec.seeds", "count belongs to from: Explicit", "rule", "Ablation"),
    "inherited seeds with a base": Refused({"spec.seeds": {"base": 1}}, "spec.seeds", "base belongs to from: Explicit", "rule", "Ablation"),
}  # fmt: skip
"""What one field says of another."""

DECLARATIONS = {
    "an unknown architecture": Refused({"spec.models[0].architecture": "sinn"}, "spec.models[0].architecture", "known: lr, fm, dnn, deepfm", "operator"),
    "an unknown parameter": Refused({"spec.models[1].parameters": {"depth": 3}}, "spec.models[1].parameters.depth", "DeepFM has no such parameter; known: activation", "operator"),
    "an unknown tuned parameter": Refused({"spec.models[1].search.depth": {"int": {"low": 1, "high": 2}}}, "spec.models[1].search.depth", "no such parameter", "operator"),
    "a parameter out of range": Refused({"spec.models[1].parameters": {"dropout": "1.5"}}, "spec.models[1].parameters.dropout", "less than 1, not '1.5'", "operator"),
    "a parameter of another type": Refused({"spec.models[1].parameters": {"batch_size": "many"}}, "spec.models[1].parameters.batch_size", "not 'many'", "operator"),
    "an unknown alternative": Refused({"spec.models[0].parameters.fusion": "product"}, "spec.models[0].parameters.fusion", "'attention', 'gate', 'concat' or 'sum'", "operator"),
    "a range that leaves the allowed values": Refused({"spec.models[0].search.dropout.float.high": "1.5"}, "spec.models[0].search.dropout", "less than 1, not '1.5'", "operator"),
    "reals for a whole number": Refused({"spec.models[0].search.embedding_dim": {"float": {"low": "8", "high": "16"}}}, "spec.models[0].search.embedding_dim", "is a whole number", "operator"),
    "heads that do not divide the width": Refused({"spec.models[0].parameters.heads": 3}, "spec.models[0].parameters", "heads must divide the transformer's width 8, not 3", "operator"),
    "ranges that do not go together": Refused({"spec.models[0].search.embedding_dim": {"categorical": ["8", "10"]}, "spec.models[0].search.heads": {"categorical": ["1", "4"]}}, "spec.models[0].parameters", "tried with learning_rate 1e-4, dropout 0, embedding_dim 10, fusion_dim 16, heads 4", "operator"),
    "a sequence model without history": Refused({"spec.dataset.features[4]": {"name": "a", "type": "Numeric"}}, "spec.models[0].architecture", "SIN needs a feature of type History", "operator"),
    "six factors": Refused({"spec.factorial": True, "spec.variants[0].remove": ["a", "b", "c", "d", "e", "f"]}, "spec", "not 7", "operator", "Ablation"),
    "a factorial of one factor": Refused({"spec.factorial": True, "spec.variants[1]": {"name": "x", "set": {"a": 1}}}, "spec", "2 to 5 different parts", "operator", "Ablation"),
}  # fmt: skip
"""What only the architectures' declarations say, or counting."""

REFUSED: Final[dict[str, Refused]] = {**STRUCTURE, **REPEATED, **RULES, **DECLARATIONS}
"""All of them."""
