"""Invalid resources with duplicates where values must differ: the keys of lists."""

from typing import Final

from resource_examples.rejected_example import RejectedExample

LR: Final = "spec.models[0].search.learning_rate"

REJECTED_AS_DUPLICATES: Final[dict[str, RejectedExample]] = {
    "two models with the same name": RejectedExample(
        {"spec.models[1].name": "SIN"}, "spec", "models: the name 'SIN' is given twice"
    ),
    "two features with the same name": RejectedExample(
        {"spec.dataset.features[1].name": "user_id"}, "spec.dataset", "features: the name 'user_id' is given twice"
    ),
    "a duplicate metric": RejectedExample(
        {"spec.analysis.metrics": ["auc", "auc"]}, "spec.analysis.metrics", "'auc' is given twice"
    ),
    "a duplicate choice": RejectedExample(
        {LR: {"categorical": ["1e-3", "1e-3"]}}, f"{LR}.categorical", "'1e-3' is given twice"
    ),
    "a duplicate column": RejectedExample(
        {"spec.dataset.source": {"uri": "file:///d", "format": "csv", "header": False, "columns": ["a", "a"]}},
        "spec.dataset.source.columns",
        "'a' is given twice",
    ),
    "a duplicate variable": RejectedExample(
        {"spec.runtime.env[1].name": "A"}, "spec.runtime", "env: the name 'A' is given twice"
    ),
    "two variants with the same name": RejectedExample(
        {"spec.variants[1].name": "without-CIN"},
        "spec",
        "variants: the name 'without-CIN' is given twice",
        kind="Ablation",
    ),
    "a part removed twice": RejectedExample(
        {"spec.variants[0].remove": ["cin", "cin"]}, "spec.variants[0].remove", "'cin' is given twice", kind="Ablation"
    ),
}
