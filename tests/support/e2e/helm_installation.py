"""What every installation of the chart in the stories has in common."""

from pathlib import Path

from e2e.kubectl import Kubectl

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"


def image_values(images: dict[str, str]) -> list[str]:
    """Both images as values of the chart."""
    found = []
    for part, key in (("operator", "image"), ("trainer", "trainer.image")):
        repository, tag = images[part].rsplit(":", 1)
        found += [f"{key}.repository={repository}", f"{key}.tag={tag}"]
    return found


def make_namespace(name: str) -> None:
    """One in which Pod Security is `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    Kubectl("default").apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
