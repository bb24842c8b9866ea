"""The requests that the admission policies of the chart check."""

from typing import Any

from ctrlab_api.names import GROUP, VERSION


def experiment_writes() -> dict[str, Any]:
    """Return the constraints that match creations and updates of experiments, but not of their status."""
    return {
        "resourceRules": [
            {
                "apiGroups": [GROUP],
                "apiVersions": [VERSION],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["ctrexperiments"],
            }
        ]
    }
