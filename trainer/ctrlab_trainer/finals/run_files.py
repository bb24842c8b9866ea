"""The files that a final run writes beside its record."""

from safetensors.torch import save

from ctrlab_api.canonical_json import digest
from ctrlab_api.metrics import MetricName
from ctrlab_api.names import RunFile
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.finals.curve_files import curve_csv
from ctrlab_trainer.finals.final_training import TestEvaluation
from ctrlab_trainer.finals.prediction_files import predictions_parquet
from ctrlab_trainer.training.loop import TrainingResult


def run_file_contents(
    metrics: tuple[MetricName, ...], result: TrainingResult, valid_split: EncodedSplit, tested: TestEvaluation
) -> dict[str, bytes]:
    """Return all files of a run except its record, by name."""
    files = {RunFile.CURVE: curve_csv(result.curve, metrics)}
    if result.state is not None and result.valid_scores is not None:
        files[RunFile.MODEL] = save(result.state)
        files[RunFile.VALID_PREDICTIONS] = predictions_parquet(valid_split, result.valid_scores)
    if tested.predictions is not None:
        files[RunFile.PREDICTIONS] = tested.predictions
    return files


def optional_digest(content: bytes | None) -> str | None:
    """Return the digest of a file; None if there is no file."""
    return None if content is None else digest(content)
