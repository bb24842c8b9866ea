"""`ctrlab run` with real training on synthetic rows, from the YAML file to the printed comparison."""

import json
from pathlib import Path

from command_line import ctrlab_process

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.names import ObjectKey
from ctrlab_api.records import PreparedData, ReportSummary, RunRecord

SPECIFICATION = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: small}
spec:
  dataset:
    source: {uri: "builtin://synthetic", options: {rows: "4000", users: "200", items: "100"}}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    user: user_id
    split: {strategy: Random}
  models:
    - name: FM
      architecture: fm
      parameters: {embedding_dim: 4, batch_size: 512, epochs: 2}
      search: {learning_rate: {float: {low: "1e-3", high: "1e-1", log: true}}}
    - name: LR
      architecture: lr
      parameters: {batch_size: 512, epochs: 2, learning_rate: "0.01"}
  tuning: {trials: 2, workers: 2, sampler: Random}
  evaluation: {seeds: {count: 5}}
"""


def test_run_creates_a_report_and_the_second_run_does_no_work(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SPECIFICATION)
    options = ("--workspace", str(tmp_path / "w"), "--workers", "2")
    first = ctrlab_process("run", str(file), *options)
    assert first.returncode == 0, first.stderr
    assert "small: Evaluating" in first.stderr
    record = next((tmp_path / "w").rglob("prepared.json"))
    for warning in PreparedData.model_validate_json(record.read_text()).warnings:
        assert first.stderr.count(f"warning about the data: {warning}\n") == 1
    header, *rows = first.stdout.splitlines()
    assert header == "model\tauc\tlogloss"
    assert [row.split("\t")[0] for row in rows[:2]] == ["FM", "LR"]
    assert Path(rows[-1].removeprefix("report: ")).is_file()

    shown = ctrlab_process("report", "small", "--workspace", str(tmp_path / "w"), "-o", "json")
    summary = ReportSummary.model_validate_json(shown.stdout)
    assert summary.seeds == (2024, 2025, 2026, 2027, 2028)
    assert json.loads(shown.stdout)["experiment"] == "small"

    workspace = Workspace(tmp_path / "w")
    saved = resource_files.find(workspace, "small")
    folder = workspace.store.below(f"default/small/{saved.metadata.uid}")
    records = [key for key in folder.list("runs/") if key.endswith("record.json")]
    assert len(records) == 10
    before = folder.list("")

    second = ctrlab_process("run", str(file), *options)
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    assert folder.list("") == before
    assert folder.exists(ObjectKey.LINEAGE)


def test_batches_of_seeds_are_recorded(tmp_path: Path) -> None:
    specification = SPECIFICATION.replace("{seeds: {count: 5}}", "{seeds: {count: 5}, seedsPerPod: 2}")
    specification = specification.replace("    search: {", "    # search: {")
    file = tmp_path / "small.yaml"
    file.write_text(specification)
    completed = ctrlab_process("run", str(file), "--workspace", str(tmp_path / "w"), "--workers", "2")
    assert completed.returncode == 0, completed.stderr
    workspace = Workspace(tmp_path / "w")
    folder = workspace.store.below(f"default/small/{resource_files.find(workspace, 'small').metadata.uid}")
    keys = [key for key in folder.list("runs/FM/") if key.endswith("record.json")]
    records = [RunRecord.model_validate_json(folder.get(key)) for key in keys]
    assert {record.seed: record.batched_with for record in records} == {
        2024: (2024, 2025),
        2025: (2024, 2025),
        2026: (2026, 2027),
        2027: (2026, 2027),
        2028: (2028,),
    }
    logs = sorted(log.name for log in (tmp_path / "w" / "logs" / "default.small").glob("evaluate-*.log"))
    assert logs == [f"evaluate-{index}.log" for index in range(6)]
    shown = ctrlab_process("report", "small", "--workspace", str(tmp_path / "w"), "-o", "json")
    machines = ReportSummary.model_validate_json(shown.stdout).machines
    assert [(machine.execution_mode, machine.runs) for machine in machines] == [("batched", 10)]


def test_missing_column_exits_with_3_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SPECIFICATION.replace("column: click", "column: clicked"))
    failed = ctrlab_process("run", str(file), "--workspace", str(tmp_path / "w"))
    assert failed.returncode == 3
    assert "has no column 'clicked'; known: user_id" in failed.stderr
    assert "Traceback" not in failed.stderr
