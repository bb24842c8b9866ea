"""No package shadows the standard library's `operator`, and the import contracts between packages hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["core", "operator", "trainer", "report", "client", "tests"])
def test_source_root_is_not_a_package(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not (ROOT / folder / "__init__.py").exists()


def test_import_contracts_hold() -> None:
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("core", "operator", "trainer", "report", "client"))
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
