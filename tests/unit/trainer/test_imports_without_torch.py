"""Reading a record and writing a start log import no torch, which would take seconds and hundreds of megabytes."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "ctrlab_api.records",
        "ctrlab_api.run_attempts",
        "ctrlab_trainer.cli",
        "ctrlab_trainer.data.preparation.dataset_preparation",
        "ctrlab_trainer.process.failures",
        "ctrlab_trainer.process.run_records",
        "ctrlab_trainer.process.start_log",
    ],
)
def test_module_imports_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
