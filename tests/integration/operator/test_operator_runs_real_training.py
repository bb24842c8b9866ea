"""A complete experiment with real trainer, report, database and bucket; only the node is fake."""

import hashlib
import json

from builders import categorical, dataset_spec, experiment_spec, model_spec, synthetic_source
from fake_cluster.cluster import Cluster

from ctrlab_api.names import ObjectKey
from ctrlab_api.records import ReportSummary, RunRecord
from ctrlab_store import open_store

TINY = {"batch_size": 512, "epochs": 1}
LEARNING_RATE = {"learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}}}
SPEC = experiment_spec(
    dataset=dataset_spec(
        source=synthetic_source(3000, users=150, items=80), features=categorical("user_id", "item_id"), user="user_id"
    ),
    models=[
        model_spec("FM", parameters={**TINY, "embedding_dim": 4}, search=LEARNING_RATE),
        model_spec("LR", parameters={**TINY, "learning_rate": "0.01"}),
    ],
    tuning={"trials": 2, "workers": 1, "sampler": "Random"},
    evaluation={"seeds": {"count": 5}},
)


def test_real_training_ends_in_a_real_report_in_the_bucket(cluster: Cluster) -> None:
    cluster.kubelet.commands = {}
    cluster.start_operator()
    uid = cluster.create("small", SPEC)["metadata"]["uid"]

    cluster.wait_for_stage("small", "Succeeded", "Failed", seconds=600)

    status = cluster.experiment("small")["status"]
    assert status["stage"] == "Succeeded", cluster.condition("small", "Failed")
    assert (status["trials"], status["seeds"]) == ("2/2", "5/5")
    assert 0.4 < float(status["best"]) < 1

    folder = open_store(cluster.bucket, cluster.store_environment).below(f"{cluster.namespace}/small/{uid}")
    keys = [key for key in folder.list("runs/") if key.endswith("record.json")]
    records = [RunRecord.model_validate_json(folder.get(key)) for key in keys]
    assert {(record.variant, record.seed) for record in records} == {
        (model, seed) for model in ("FM", "LR") for seed in range(2024, 2029)
    }
    assert {record.hardware.node for record in records} == {cluster.node}
    report = folder.get(ObjectKey.LATEST_REPORT).decode().strip().rstrip("/")
    assert status["report"]["uri"] == f"{folder.uri}/{report}"
    summary = ReportSummary.model_validate_json(folder.get(f"{report}/summary.json"))
    assert summary.plan_digest == status["planDigest"]
    assert summary.seeds == (2024, 2025, 2026, 2027, 2028)
    manifest = json.loads(folder.get(f"{report}/manifest.json"))
    page_digest = hashlib.sha256(folder.get(f"{report}/report.html")).hexdigest()
    assert page_digest in json.dumps(manifest)
