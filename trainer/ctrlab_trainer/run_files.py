"""What a final run leaves beside its record: the files, by name, and how a finished run is found again."""

from safetensors.torch import save

from ctrlab_contract.canonical import digest
from ctrlab_contract.records import RunRecord
from ctrlab_contract.store import Store
from ctrlab_contract.tuning import MetricName
from ctrlab_trainer.curves import curve_csv
from ctrlab_trainer.data.encoded import EncodedSplit
from ctrlab_trainer.final_training import Tested
from ctrlab_trainer.loop import TrainingResult
from ctrlab_trainer.predictions import predictions_parquet

RECORD = "record.json"
PREDICTIONS = "predictions.parquet"
VALID_PREDICTIONS = "valid_predictions.parquet"
MODEL = "model.safetensors"
CURVE = "curve.csv"


def files_of(
    metrics: tuple[MetricName, ...], result: TrainingResult, valid: EncodedSplit, tested: Tested
) -> dict[str, bytes]:
    """Everything of a run but its record, by file name."""
    files = {CURVE: curve_csv(result.curve, metrics)}
    if result.state is not None and result.valid_scores is not None:
        files[MODEL] = save(result.state)
        files[VALID_PREDICTIONS] = predictions_parquet(valid, result.valid_scores)
    if tested.predictions is not None:
        files[PREDICTIONS] = tested.predictions
    return files


def digest_of(content: bytes | None) -> str | None:
    """None for a file that is not there."""
    return None if content is None else digest(content)


def find_record(experiment: Store, variant: str, seed: int) -> RunRecord | None:
    """The record of a finished run, or None."""
    for key in experiment.list(f"runs/{variant}/{seed}/"):
        if key.endswith(f"/{RECORD}"):
            return RunRecord.model_validate_json(experiment.get(key))
    return None
