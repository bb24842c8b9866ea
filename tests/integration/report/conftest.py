"""Finished experiments for tests of the report."""

from dataclasses import replace
from pathlib import Path

import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment, write_finished_experiment
from builders.simulated_experiment import SimulatedExperiment, SimulatedModel


@pytest.fixture
def written(tmp_path: Path) -> ExperimentWriter:
    """Return a function that writes an experiment; its keywords are the fields of `SimulatedExperiment`."""

    def write(**changes: object) -> WrittenExperiment:
        return write_finished_experiment(tmp_path / "store", replace(SimulatedExperiment(), **changes))  # type: ignore[arg-type]

    return write


@pytest.fixture
def simulated() -> type[SimulatedModel]:
    """Return the class of simulated models, for tests that choose their own."""
    return SimulatedModel


@pytest.fixture
def experiment(written: ExperimentWriter) -> WrittenExperiment:
    """Write three models with five seeds each, and 1200 test rows of 150 users."""
    return written()
