"""ctrlab installed with its chart on the cluster of $KUBECONFIG, with MovieLens-100K in its bucket.

    make e2e KUBECONFIG=... CTRLAB_E2E_OPERATOR_IMAGE=... CTRLAB_E2E_TRAINER_IMAGE=...

The nodes must be able to pull the images, and CTRLAB_DATA must name a folder with ml-100k. `make e2e` fails if one of
them is missing; without `make`, these tests are then skipped.
"""

import base64
import gzip
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from e2e.helm_installation import CHART, image_values, make_namespace
from e2e.kubectl import Kubectl

RELEASE = "ctrlab"
SYSTEM = "ctrlab"
TEAM = "ctrlab-e2e"
BUCKET = "ctrlab"


def skip_or_fail(missing: str) -> NoReturn:
    """Skip the test because something is missing; fail in `make e2e`, which sets CTRLAB_E2E_REQUIRED."""
    if os.environ.get("CTRLAB_E2E_REQUIRED"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """References of both images, as `repository:tag`."""
    names = {part: os.environ.get(f"CTRLAB_E2E_{part.upper()}_IMAGE", "") for part in ("operator", "trainer")}
    if not os.environ.get("KUBECONFIG") or not all(names.values()):
        skip_or_fail("KUBECONFIG, CTRLAB_E2E_OPERATOR_IMAGE and CTRLAB_E2E_TRAINER_IMAGE name no cluster with images")
    for program in ("kubectl", "helm"):
        if shutil.which(program) is None:
            skip_or_fail(f"{program} is not on the PATH")
    return names


@pytest.fixture(scope="session")
def system(images: dict[str, str]) -> Kubectl:
    """The operator's namespace, with the chart installed or upgraded to this version."""
    system = Kubectl(SYSTEM)
    values = [
        *image_values(images),
        "tryout.postgresql.enabled=true",
        "tryout.objectStore.enabled=true",
        f"tryout.namespaces={{default,{TEAM}}}",
        "seal.secretNames={opens-the-test-set}",
        "reconcile.pollSeconds=3",
    ]
    make_namespace(TEAM)
    arguments = [part for value in values for part in ("--set", value)]
    system.run(
        "upgrade",
        "--install",
        RELEASE,
        str(CHART),
        "--create-namespace",
        "--timeout",
        "15m",
        *arguments,
        program="helm",
    )
    system.run("rollout", "status", f"deployment/{RELEASE}", "--timeout=300s")
    return system


@pytest.fixture(scope="session")
def team(system: Kubectl) -> Kubectl:
    """A team's namespace that enforces Pod Security `restricted`."""
    return Kubectl(TEAM)


@pytest.fixture(scope="session")
def endpoint() -> str:
    return f"http://{RELEASE}-s3.{SYSTEM}.svc:8333"


@pytest.fixture(scope="session")
def movies(team: Kubectl, images: dict[str, str], endpoint: str) -> str:
    """MovieLens-100K in the bucket; its URI."""
    folder = Path(os.environ.get("CTRLAB_DATA", "")) / "ml-100k"
    files = sorted(folder.glob("ml-100k.*")) if folder.is_dir() else []
    if not files:
        skip_or_fail("CTRLAB_DATA names no folder with ml-100k")
    packed = {f"{path.name}.gz": base64.b64encode(gzip.compress(path.read_bytes())).decode() for path in files}
    team.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "movies"}, "binaryData": packed})
    team.output_of(
        images["trainer"],
        "import gzip, pathlib, boto3; s3 = boto3.client('s3')\n"
        "for f in pathlib.Path('/movies').glob('*.gz'):\n"
        f"    s3.put_object(Bucket='{BUCKET}', Key='data/ml-100k/' + f.stem, Body=gzip.decompress(f.read_bytes()))",
        f"{RELEASE}-storage",
        {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"},
        container={"volumeMounts": [{"name": "movies", "mountPath": "/movies"}]},
        volumes=[{"name": "movies", "configMap": {"name": "movies"}}],
    )
    return f"s3://{BUCKET}/data/ml-100k"
