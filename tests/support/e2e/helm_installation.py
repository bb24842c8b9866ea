"""Installing the chart in end-to-end tests."""

from pathlib import Path

from e2e.kubectl import Kubectl

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"


def image_values(images: dict[str, str]) -> list[str]:
    """Return both images as values of the chart."""
    values = []
    for part, key in (("operator", "image"), ("trainer", "trainer.image")):
        repository, tag = images[part].rsplit(":", 1)
        values += [f"{key}.repository={repository}", f"{key}.tag={tag}"]
    return values


def make_namespace(name: str) -> None:
    """Create a namespace that enforces Pod Security `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    Kubectl("default").apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
