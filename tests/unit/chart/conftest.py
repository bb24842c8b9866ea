"""Rendering the chart with a real Helm: of $HELM, the PATH or `make helm`; without one these tests are skipped."""

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
    """The program; version 3.17 or later, or 4."""
    own = str(Path(sys.executable).parent)
    found = os.environ.get("HELM") or shutil.which("helm") or shutil.which("helm", path=own)
    if found is None:
        pytest.skip("Helm is neither on the PATH nor named by $HELM; `make helm` gets one")
    return found


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """Renders the chart as release `ctrlab` in the namespace `system` with these values; every object in order."""

    def rendered(**values: Any) -> list[Manifest]:
        done = subprocess.run(
            [helm, "template", "ctrlab", str(CHART), "--namespace", "system", "--values", "-"],
            input=yaml.safe_dump(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [found for found in yaml.safe_load_all(done.stdout) if found]

    return rendered


@pytest.fixture(scope="session")
def refusal(helm: str) -> Callable[..., str]:
    """What Helm says of values that it refuses."""

    def refused(**values: Any) -> str:
        done = subprocess.run(
            [helm, "template", "ctrlab", str(CHART), "--values", "-"],
            input=yaml.safe_dump(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0, "Helm took the values"
        return done.stderr

    return refused
