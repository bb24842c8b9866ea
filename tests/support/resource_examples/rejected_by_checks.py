"""Bad resources that only the architectures' declarations, or counting, can refuse."""

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
    "a parameter of another type": RejectedExample(
        {"spec.models[1].parameters": {"batch_size": "many"}},
        "spec.models[1].parameters.batch_size",
        "not 'many'",
        "operator",
    ),
    "an unknown alternative": RejectedExample(
        {"spec.models[0].parameters.fusion": "product"},
        "spec.models[0].parameters.fusion",
        "'attention', 'gate', 'concat' or 'sum'",
        "operator",
    ),
    "a range that leaves the allowed values": RejectedExample(
        {"spec.models[0].search.dropout.float.high": "1.5"},
        "spec.models[0].search.dropout",
        "less than 1, not '1.5'",
        "operator",
    ),
    "reals for a whole number": RejectedExample(
        {"spec.models[0].search.embedding_dim": {"float": {"low": "8", "high": "16"}}},
        "spec.models[0].search.embedding_dim",
        "is a whole number",
        "operator",
    ),
    "a condition on a parameter that is not there": RejectedExample(
        {"spec.models[0].search.dropout.when": {"pooling": "mean"}},
        "spec.models[0].search.dropout.when.pooling",
        "pooling is neither tuned nor fixed; known: batch_size, cin_units, dropout",
        "operator",
    ),
    "a condition that never holds": RejectedExample(
        {"spec.models[0].search.dropout.when": {"fusion": "sum"}},
        "spec.models[0].search.dropout.when.fusion",
        "fusion is fixed at 'attention', so dropout would never be tuned",
        "operator",
    ),
    "a condition on a value that is not tried": RejectedExample(
        {"spec.models[0].search.dropout.when": {"embedding_dim": 64}},
        "spec.models[0].search.dropout.when.embedding_dim",
        "embedding_dim cannot be 64; allowed: 8, 16, 32",
        "operator",
    ),
    "conditions in a circle": RejectedExample(
        {
            "spec.models[0].search.embedding_dim.when": {"heads": 1},
            "spec.models[0].search.heads": {"categorical": ["1", "2"], "when": {"embedding_dim": 8}},
        },
        "spec.models[0].search",
        "the conditions of embedding_dim, heads depend on each other",
        "operator",
    ),
    "a forbidden value that no trial hits": RejectedExample(
        {"spec.models[0].constraints": {"forbidden": [{"learning_rate": "1e-3"}]}},
        "spec.models[0].constraints.forbidden[0].learning_rate",
        "learning_rate is any real from 1e-4 to 1e-2, hit exactly by no trial; give it a step",
        "operator",
    ),
    "a forbidden parameter that is not there": RejectedExample(
        {"spec.models[0].constraints": {"forbidden": [{"depth": 3}]}},
        "spec.models[0].constraints.forbidden[0].depth",
        "depth is neither tuned nor fixed",
        "operator",
    ),
    "an order of what is not tuned": RejectedExample(
        {"spec.models[0].constraints": {"ordered": [["dropout", "heads"]]}},
        "spec.models[0].constraints.ordered[0]",
        "heads is not tuned; known: dropout, embedding_dim, fusion_dim, learning_rate",
        "operator",
    ),
    "constraints that leave no point": RejectedExample(
        {"spec.models[0].constraints": {"ordered": [["fusion_dim", "dropout"]]}},
        "spec.models[0].constraints",
        "no point of the search space is left: fusion_dim <= dropout",
        "operator",
    ),
    "a constrained grid beyond counting": RejectedExample(
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
    "a grid over a default search": RejectedExample(
        {
            "spec.tuning.sampler": "Grid",
            "spec.models[0].search": {"heads": {"categorical": ["1", "2"]}},
            "spec.models[1].searchSpace": "Default",
        },
        "spec.models[1].searchSpace",
        "the Grid sampler needs a step or categorical values; write embedding_l2, learning_rate under search",
        "operator",
    ),
    "the default search of an unknown architecture": RejectedExample(
        {
            "spec.runtime.image": "mine",
            "spec.models[1]": {"name": "DeepFM", "architecture": "my_own", "searchSpace": "Default"},
        },
        "spec.models[1].searchSpace",
        "no default search is known of 'my_own'; write it out under search",
        "operator",
    ),
    "heads that do not divide the width": RejectedExample(
        {"spec.models[0].parameters.heads": 3},
        "spec.models[0].parameters",
        "heads must divide the transformer's width 8, not 3",
        "operator",
    ),
    "ranges that do not go together": RejectedExample(
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
    "six factors": RejectedExample(
        {"spec.factorial": True, "spec.variants[0].remove": ["a", "b", "c", "d", "e", "f"]},
        "spec",
        "not 7",
        "operator",
        "Ablation",
    ),
    "a factorial of one factor": RejectedExample(
        {"spec.factorial": True, "spec.variants[1]": {"name": "x", "set": {"a": 1}}},
        "spec",
        "2 to 5 different parts",
        "operator",
        "Ablation",
    ),
}
