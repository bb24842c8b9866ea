"""Invalid resources that only the declarations of architectures, or counting, can reject."""

from typing import Final

from builders import ABSENT

from resource_examples.rejected_example import RejectedExample

REJECTED_BY_CHECKS: Final[dict[str, RejectedExample]] = {
    "an unknown architecture": RejectedExample(
        {"spec.models[0].architecture": "sinn"},
        "spec.models[0].architecture",
        "known: lr, fm, dnn, widedeep",
        "operator",
    ),
    "two spellings of a choice": RejectedExample(
        {"spec.models[0].search.learning_rate": {"categorical": ["0.001", "1e-3"]}},
        "spec.models[0].search.learning_rate.categorical",
        '"0.001" and "1e-3" are the same value; remove one of them',
        "operator",
    ),
    "an unknown parameter": RejectedExample(
        {"spec.models[1].parameters": {"depth": 3}},
        "spec.models[1].parameters.depth",
        "DeepFM has no such parameter; known: activation",
        "operator",
    ),
    "an unknown tuned parameter": RejectedExample(
        {"spec.models[1].search.depth": {"int": {"low": 1, "high": 2}}},
        "spec.models[1].search.depth",
        "no such parameter",
        "operator",
    ),
    "a parameter out of range": RejectedExample(
        {"spec.models[1].parameters": {"dropout": "1.5"}},
        "spec.models[1].parameters.dropout",
        "less than 1, not '1.5'",
        "operator",
    ),
    "a parameter of the wrong type": RejectedExample(
        {"spec.models[1].parameters": {"batch_size": "many"}},
        "spec.models[1].parameters.batch_size",
        "not 'many'",
        "operator",
    ),
    "an unknown choice": RejectedExample(
        {"spec.models[0].parameters.fusion": "product"},
        "spec.models[0].parameters.fusion",
        "'attention', 'gate', 'concat' or 'sum'",
        "operator",
    ),
    "a range outside the allowed values": RejectedExample(
        {"spec.models[0].search.dropout.float.high": "1.5"},
        "spec.models[0].search.dropout",
        "less than 1, not '1.5'",
        "operator",
    ),
    "a float range for an integer parameter": RejectedExample(
        {"spec.models[0].search.embedding_dim": {"float": {"low": "8", "high": "16"}}},
        "spec.models[0].search.embedding_dim",
        "is a whole number",
        "operator",
    ),
    "a condition on an unknown parameter": RejectedExample(
        {"spec.models[0].search.dropout.when": {"pooling": "mean"}},
        "spec.models[0].search.dropout.when.pooling",
        "pooling is neither tuned nor fixed; known: batch_size, cin_units, dropout",
        "operator",
    ),
    "a condition that is never true": RejectedExample(
        {"spec.models[0].search.dropout.when": {"fusion": "sum"}},
        "spec.models[0].search.dropout.when.fusion",
        "fusion is fixed at 'attention', so dropout would never be tuned",
        "operator",
    ),
    "a condition on a value outside the search space": RejectedExample(
        {"spec.models[0].search.dropout.when": {"embedding_dim": 64}},
        "spec.models[0].search.dropout.when.embedding_dim",
        "embedding_dim cannot be 64; allowed: 8, 16, 32",
        "operator",
    ),
    "circular conditions": RejectedExample(
        {
            "spec.models[0].search.embedding_dim.when": {"heads": 1},
            "spec.models[0].search.heads": {"categorical": ["1", "2"], "when": {"embedding_dim": 8}},
        },
        "spec.models[0].search",
        "the conditions of embedding_dim, heads depend on each other",
        "operator",
    ),
    "a forbidden value in a continuous range": RejectedExample(
        {"spec.models[0].constraints": {"forbidden": [{"learning_rate": "1e-3"}]}},
        "spec.models[0].constraints.forbidden[0].learning_rate",
        "learning_rate is continuous (1e-4 to 1e-2), so no trial matches it exactly; give it a step",
        "operator",
    ),
    "a forbidden unknown parameter": RejectedExample(
        {"spec.models[0].constraints": {"forbidden": [{"depth": 3}]}},
        "spec.models[0].constraints.forbidden[0].depth",
        "depth is neither tuned nor fixed",
        "operator",
    ),
    "an order with a parameter that is not tuned": RejectedExample(
        {"spec.models[0].constraints": {"ordered": [["dropout", "heads"]]}},
        "spec.models[0].constraints.ordered[0]",
        "heads is not tuned; known: dropout, embedding_dim, fusion_dim, learning_rate",
        "operator",
    ),
    "constraints without a feasible point": RejectedExample(
        {"spec.models[0].constraints": {"ordered": [["fusion_dim", "dropout"]]}},
        "spec.models[0].constraints",
        "no point of the search space is allowed: fusion_dim <= dropout",
        "operator",
    ),
    "a constrained grid that is too large": RejectedExample(
        {
            "spec.tuning.sampler": "Grid",
            "spec.models[0].search": {
                "fusion_dim": {"int": {"low": 1, "high": 4096}},
                "batch_size": {"int": {"low": 1, "high": 4096}},
            },
            "spec.models[0].parameters.batch_size": ABSENT,
            "spec.models[0].constraints": {"ordered": [["fusion_dim", "batch_size"]]},
        },
        "spec.models[0].search",
        "a Grid with constraints has at most 100000 cells before they apply, not 16777216",
        "operator",
    ),
    "a grid with a continuous default search space": RejectedExample(
        {
            "spec.tuning.sampler": "Grid",
            "spec.models[0].search": {"heads": {"categorical": ["1", "2"]}},
            "spec.models[1].searchSpace": "Default",
        },
        "spec.models[1].searchSpace",
        "the Grid sampler needs a step or categorical values; write embedding_l2, learning_rate under search",
        "operator",
    ),
    "the default search space of an unknown architecture": RejectedExample(
        {
            "spec.runtime.image": "mine",
            "spec.models[1]": {"name": "DeepFM", "architecture": "my_own", "searchSpace": "Default"},
        },
        "spec.models[1].searchSpace",
        "no default search space is known for 'my_own'; write it out under search",
        "operator",
    ),
    "heads that do not divide the width": RejectedExample(
        {"spec.models[0].parameters.heads": 3},
        "spec.models[0].parameters",
        "heads must divide the transformer's width 8, not 3",
        "operator",
    ),
    "incompatible ranges": RejectedExample(
        {
            "spec.models[0].search.embedding_dim": {"categorical": ["8", "10"]},
            "spec.models[0].search.heads": {"categorical": ["1", "4"]},
        },
        "spec.models[0].parameters",
        "tried with learning_rate 1e-4, dropout 0, embedding_dim 10, fusion_dim 16, heads 4",
        "operator",
    ),
    "a sequence model without history": RejectedExample(
        {"spec.dataset.features[4]": {"name": "a", "type": "Numeric"}},
        "spec.models[0].architecture",
        "SIN needs a feature of type History",
        "operator",
    ),
    "a factorial of too many parts": RejectedExample(
        {"spec.factorial": True, "spec.variants[0].remove": ["a", "b", "c", "d", "e", "f"]},
        "spec",
        "not 7",
        "operator",
        "Ablation",
    ),
    "a factorial of one part": RejectedExample(
        {"spec.factorial": True, "spec.variants[1]": {"name": "x", "set": {"a": 1}}},
        "spec",
        "2 to 5 different parts",
        "operator",
        "Ablation",
    ),
}
