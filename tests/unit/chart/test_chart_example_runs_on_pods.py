"""The example of the chart's package page is valid and needs no file that pods cannot read."""

import json
from pathlib import Path

import yaml

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.resources.experiment import Experiment

CHART = Path(__file__).parents[3] / "charts" / "ctrlab" / "Chart.yaml"


def test_the_example_is_valid_and_reads_data_that_pods_can_generate() -> None:
    chart = yaml.safe_load(CHART.read_text(encoding="utf-8"))
    (example,) = yaml.safe_load(chart["annotations"]["artifacthub.io/crdsExamples"])
    experiment = Experiment.model_validate_json(json.dumps(example))
    assert list(check_experiment(experiment)) == []
    assert experiment.spec.dataset.source.uri == "builtin://synthetic"
