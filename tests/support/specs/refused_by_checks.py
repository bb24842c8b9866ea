"""Bad resources that only the architectures' declarations, or counting, can refuse."""

from typing import Final

from specs.case import Refused

DECLARATIONS: Final[dict[str, Refused]] = {
    "an unknown architecture": Refused(
        {"spec.models[0].architecture": "sinn"}, "spec.models[0].architecture", "known: lr, fm, dnn, deepfm", "operator"
    ),
    "an unknown parameter": Refused(
        {"spec.models[1].parameters": {"depth": 3}},
        "spec.models[1].parameters.depth",
        "DeepFM has no such parameter; known: activation",
        "operator",
    ),
    "an unknown tuned parameter": Refused(
        {"spec.models[1].search.depth": {"int": {"low": 1, "high": 2}}},
        "spec.models[1].search.depth",
        "no such parameter",
        "operator",
    ),
    "a parameter out of range": Refused(
        {"spec.models[1].parameters": {"dropout": "1.5"}},
        "spec.models[1].parameters.dropout",
        "less than 1, not '1.5'",
        "operator",
    ),
    "a parameter of another type": Refused(
        {"spec.models[1].parameters": {"batch_size": "many"}},
        "spec.models[1].parameters.batch_size",
        "not 'many'",
        "operator",
    ),
    "an unknown alternative": Refused(
        {"spec.models[0].parameters.fusion": "product"},
        "spec.models[0].parameters.fusion",
        "'attention', 'gate', 'concat' or 'sum'",
        "operator",
    ),
    "a range that leaves the allowed values": Refused(
        {"spec.models[0].search.dropout.float.high": "1.5"},
        "spec.models[0].search.dropout",
        "less than 1, not '1.5'",
        "operator",
    ),
    "reals for a whole number": Refused(
        {"spec.models[0].search.embedding_dim": {"float": {"low": "8", "high": "16"}}},
        "spec.models[0].search.embedding_dim",
        "is a whole number",
        "operator",
    ),
    "heads that do not divide the width": Refused(
        {"spec.models[0].parameters.heads": 3},
        "spec.models[0].parameters",
        "heads must divide the transformer's width 8, not 3",
        "operator",
    ),
    "ranges that do not go together": Refused(
        {
            "spec.models[0].search.embedding_dim": {"categorical": ["8", "10"]},
            "spec.models[0].search.heads": {"categorical": ["1", "4"]},
        },
        "spec.models[0].parameters",
        "tried with learning_rate 1e-4, dropout 0, embedding_dim 10, fusion_dim 16, heads 4",
        "operator",
    ),
    "a sequence model without history": Refused(
        {"spec.dataset.features[4]": {"name": "a", "type": "Numeric"}},
        "spec.models[0].architecture",
        "SIN needs a feature of type History",
        "operator",
    ),
    "six factors": Refused(
        {"spec.factorial": True, "spec.variants[0].remove": ["a", "b", "c", "d", "e", "f"]},
        "spec",
        "not 7",
        "operator",
        "Ablation",
    ),
    "a factorial of one factor": Refused(
        {"spec.factorial": True, "spec.variants[1]": {"name": "x", "set": {"a": 1}}},
        "spec",
        "2 to 5 different parts",
        "operator",
        "Ablation",
    ),
}
