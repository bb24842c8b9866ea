"""Rendering the chart with a real Helm, from $HELM, the PATH or `make helm`; without one the tests are skipped."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="session")
def helm() -> str:
    """Path of the program, version 3.17 or later, or 4."""
    environment_bin = str(Path(sys.executable).parent)
    program = os.environ.get("HELM") or shutil.which("helm") or shutil.which("helm", path=environment_bin)
    if program is None:
        pytest.skip("Helm is neither on the PATH nor named by $HELM; `make helm` installs it")
    return program


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """Render the chart as release `ctrlab` in the namespace `system` with these values; return its objects in order."""

    def rendered(**values: Any) -> list[Manifest]:
        done = subprocess.run(
            [helm, "template", "ctrlab", str(CHART), "--namespace", "system", "--values", "-"],
            input=yaml.safe_dump(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [body for body in yaml.safe_load_all(done.stdout) if body]

    return rendered


@pytest.fixture(scope="session")
def rejection(helm: str) -> Callable[..., str]:
    """Return the error message of Helm for values that it rejects."""

    def rejected(**values: Any) -> str:
        done = subprocess.run(
            [helm, "template", "ctrlab", str(CHART), "--values", "-"],
            input=yaml.safe_dump(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0, "Helm accepted the values"
        return done.stderr

    return rejected
