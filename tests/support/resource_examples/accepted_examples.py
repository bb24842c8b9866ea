"""Valid resources: the minimal one, a full one of each kind, and variations that use every field."""

from typing import Any, Final

from builders import ABSENT, experiment_manifest, with_changes

MINIMAL_EXPERIMENT: Final[dict[str, Any]] = experiment_manifest("shortest")

EXPERIMENT: Final[dict[str, Any]] = {
    "apiVersion": "ctrlab.dev/v1alpha1",
    "kind": "CTRExperiment",
    "metadata": {"name": "sin-vs-baselines", "namespace": "team", "labels": {"owner": "me"}},
    "spec": {
        "dataset": {
            "source": {
                "uri": "s3://datasets/clicks/",
                "format": "parquet",
                "tables": [{"uri": "s3://datasets/items.csv", "format": "csv", "joinOn": "item_id"}],
            },
            "label": {"column": "rating", "positiveWhen": ">= 4"},
            "features": [
                {"name": "user_id", "type": "Categorical", "minFrequency": 3},
                {"name": "item_id", "type": "Categorical"},
                {"name": "price", "type": "Numeric", "transform": "QuantileBucket", "buckets": 16},
                {"name": "genres", "type": "MultiCategorical", "separator": "|", "maxLength": 8},
                {"name": "hist_item", "type": "History", "of": "item_id", "maxLength": 50},
            ],
            "user": "user_id",
            "time": "timestamp",
            "split": {"strategy": "Temporal", "fractions": ["0.8", "0.1", "0.1"]},
            "preprocessing": {"minFrequency": 2},
            "negatives": {"item": "item_id", "perPositive": 1, "strategy": "Popularity", "seed": 7},
        },
        "models": [
            {
                "name": "SIN",
                "architecture": "sin",
                "parameters": {"fusion": "attention", "batch_size": 1024, "cin_units": "32,32"},
                "search": {
                    "learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}},
                    "dropout": {"float": {"low": "0", "high": "0.5", "step": "0.1"}},
                    "embedding_dim": {"categorical": ["8", "16", "32"]},
                    "fusion_dim": {"int": {"low": 16, "high": 128, "log": True}},
                },
            },
            {
                "name": "DeepFM",
                "architecture": "deepfm",
                "search": {"epochs": {"int": {"low": 2, "high": 8, "step": 2}}},
            },
        ],
        "tuning": {"sampler": "TPE", "pruner": {"type": "Median"}, "trials": 20, "workers": 4, "timeout": "1h30m"},
        "evaluation": {"seeds": {"count": 8, "max": 20}, "precision": {"metric": "auc", "halfWidth": "0.0005"}},
        "analysis": {"metrics": ["auc", "gauc"], "reference": "DeepFM", "confidence": "0.9", "margin": "0.001"},
        "runtime": {
            "resources": {"requests": {"cpu": 2, "memory": "8Gi"}, "limits": {"memory": "8Gi"}},
            "gpu": 1,
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {"anything": [1, {"goes": "here"}]}},
            "queueName": "research",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
        },
        "storage": {"artifacts": "s3://bucket/prefix", "secretRef": {"name": "s3"}},
        "suspend": False,
    },
}

ABLATION: Final[dict[str, Any]] = {
    "apiVersion": "ctrlab.dev/v1alpha1",
    "kind": "Ablation",
    "metadata": {"name": "sin-parts"},
    "spec": {
        "experimentRef": {"name": "sin-vs-baselines"},
        "model": "SIN",
        "variants": [
            {"name": "without-CIN", "remove": ["cin"]},
            {"name": "without-BST", "remove": ["bst"]},
            {"name": "sum", "set": {"fusion": "sum", "fusion_dim": 32}},
            {"name": "without-history", "dropFeatures": ["hist_item"]},
            {"name": "with-price", "addFeatures": [{"name": "price", "type": "Numeric"}]},
        ],
    },
}

ACCEPTED_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "the minimal experiment": MINIMAL_EXPERIMENT,
    "an experiment with many fields": EXPERIMENT,
    "a null is an absent field": with_changes(MINIMAL_EXPERIMENT, {"spec.tuning": None, "spec.dataset.user": None}),
    "a file without header": with_changes(
        MINIMAL_EXPERIMENT,
        {"spec.dataset.source": {"uri": "file:///d.csv", "format": "csv", "header": False, "columns": ["a", "b"]}},
    ),
    "semicolons and decimal commas": with_changes(
        MINIMAL_EXPERIMENT,
        {"spec.dataset.source": {"uri": "file:///d.CSV.gz", "separator": ";", "decimal": ",", "quote": "'"}},
    ),
    "tabs with quotes": with_changes(
        MINIMAL_EXPERIMENT, {"spec.dataset.source": {"uri": "file:///d", "format": "csv", "separator": "\t"}}
    ),
    "control characters without quotes": with_changes(
        MINIMAL_EXPERIMENT,
        {"spec.dataset.source": {"uri": "file:///d", "format": "csv", "separator": "\x01", "quote": ""}},
    ),
    "a quote as separator of a file without quotes": with_changes(
        MINIMAL_EXPERIMENT,
        {"spec.dataset.source": {"uri": "file:///d", "format": "csv", "separator": '"', "quote": ""}},
    ),
    "the separator of a side table": with_changes(
        MINIMAL_EXPERIMENT,
        {
            "spec.dataset.source.tables": [
                {"uri": "https://h/t.csv?v=1", "sha256": 64 * "0", "joinOn": "i", "separator": "|", "decimal": "."}
            ]
        },
    ),
    "options of a generator": with_changes(MINIMAL_EXPERIMENT, {"spec.dataset.source.options": {"rows": "20000"}}),
    "a predefined split": with_changes(
        MINIMAL_EXPERIMENT,
        {
            "spec.dataset.split": {
                "strategy": "Predefined",
                "column": "part",
                "values": {"train": "0", "valid": "1", "test": "2"},
            }
        },
    ),
    "a split that leaves the last three rows out": with_changes(
        EXPERIMENT, {"spec.dataset.split": {"strategy": "LeaveLastOut", "count": 3}}
    ),
    "a leave-last-out split": with_changes(EXPERIMENT, {"spec.dataset.split": {"strategy": "LeaveLastOut"}}),
    "fractions that nearly sum to 1": with_changes(
        MINIMAL_EXPERIMENT, {"spec.dataset.split.fractions": ["0.3333333", "0.3333333", "0.3333334"]}
    ),
    "a grid of steps and choices": with_changes(
        EXPERIMENT,
        {"spec.tuning.sampler": "Grid", "spec.models[0].search.learning_rate": {"categorical": ["1e-3", "1e-4"]}},
    ),
    "every rule that stops a study": with_changes(
        EXPERIMENT, {"spec.tuning.stop": {"after": "6h", "gpuTime": "20h", "noImprovement": 10}}
    ),
    "a Synchronous study with a stop rule": with_changes(
        EXPERIMENT, {"spec.tuning.mode": "Synchronous", "spec.tuning.stop": {"noImprovement": 10}}
    ),
    "several studies of each model": with_changes(
        EXPERIMENT, {"spec.tuning.repeats": 4, "spec.evaluation": {"seeds": {"count": 8}}}
    ),
    "seeds in batches": with_changes(EXPERIMENT, {"spec.evaluation.seedsPerPod": 4}),
    "one study and more seeds": with_changes(EXPERIMENT, {"spec.tuning.repeats": 1}),
    "a warm start": with_changes(EXPERIMENT, {"spec.tuning.warmStart": {"experiment": "team/earlier/0123456789ab"}}),
    "the Percentile pruner": with_changes(
        EXPERIMENT, {"spec.tuning.pruner": {"type": "Percentile", "percentile": "30", "startupTrials": 4}}
    ),
    "the Patient pruner": with_changes(
        EXPERIMENT, {"spec.tuning.pruner": {"type": "Patient", "patience": 2, "minDelta": "0.0001"}}
    ),
    "the default search space": with_changes(
        EXPERIMENT, {"spec.models[1].search": ABSENT, "spec.models[1].searchSpace": "Default"}
    ),
    "a constrained default search space": with_changes(
        EXPERIMENT,
        {
            "spec.models[1].searchSpace": "Default",
            "spec.models[1].constraints": {"forbidden": [{"embedding_dim": 32, "hidden_units": "400,400"}]},
        },
    ),
    "a search space with conditions, an order and forbidden points": with_changes(
        EXPERIMENT,
        {
            "spec.models[0].parameters": {"batch_size": 1024},
            "spec.models[0].search.fusion": {"categorical": ["attention", "concat"]},
            "spec.models[0].search.fusion_dim": {"int": {"low": 16, "high": 128}, "when": {"fusion": "attention"}},
            "spec.models[0].search.transformer_dropout": {"float": {"low": "0", "high": "0.5", "step": "0.1"}},
            "spec.models[0].constraints": {
                "forbidden": [{"fusion": "concat", "embedding_dim": 32}],
                "ordered": [["transformer_dropout", "dropout"]],
            },
        },
    ),
    "a negative range": with_changes(
        EXPERIMENT,
        {
            "spec.runtime.image": "mine",
            "spec.models[0]": {
                "name": "SIN",
                "architecture": "my_own",
                "search": {"x": {"float": {"low": "-1", "high": "1"}}, "y": {"int": {"low": -5, "high": 5}}},
            },
        },
    ),
    "an environment without variables": with_changes(EXPERIMENT, {"spec.runtime.env": []}),
    "no analysis": with_changes(EXPERIMENT, {"spec.analysis": ABSENT}),
    "the minimal ablation": with_changes(ABLATION, {"spec.variants": [{"name": "without-CIN", "remove": ["cin"]}]}),
    "an ablation with every kind of change": ABLATION,
    "an ablation with explicit seeds": with_changes(
        ABLATION, {"spec.seeds": {"from": "Explicit", "count": 5, "base": 0}}
    ),
    "a factorial ablation": with_changes(ABLATION, {"spec.factorial": True, "spec.hyperparameters": "Retune"}),
    "an ablation with another image": with_changes(ABLATION, {"spec.runtime": {"image": "mine"}}),
}
"""Valid resources, accepted by the models and by the CRDs."""
