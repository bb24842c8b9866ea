"""Prepare the rows with ctrlab: `prepare_with_ctrlab.py FOLDER STORE`; prints the duration of `prepare` in seconds."""

import json
import sys
import time
from pathlib import Path

from bench.preparers.generated_rows import CATEGORIES, MIN_FREQUENCY, NUMBERS, SHARES
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.tuning import Analysis, Evaluation, Tuning
from ctrlab_store import FileStore
from ctrlab_trainer.data.preparation.dataset_preparation import prepare

SPEC = {
    "source": {"uri": Path(sys.argv[1]).as_uri(), "format": "csv"},
    "label": {"column": "label"},
    "features": [
        *({"name": name, "type": "Numeric"} for name in NUMBERS),
        *({"name": name, "type": "Categorical"} for name in CATEGORIES),
    ],
    "split": {"strategy": "Predefined", "files": {split: f"{split}.csv" for split in SHARES}},
    "preprocessing": {"minFrequency": MIN_FREQUENCY},
}
PLAN = Plan(
    dataset=Dataset.model_validate_json(json.dumps(SPEC)),
    variants=(Variant(name="LR", architecture="lr"),),
    tuning=Tuning(),
    evaluation=Evaluation(),
    analysis=Analysis(),
)

start = time.perf_counter()
prepare(PLAN, FileStore.at(sys.argv[2]), ExperimentKey(namespace="bench", name="prepare", uid="1"))
print(time.perf_counter() - start)
