"""The CRDs and the field reference, generated from the models: what `kubectl explain` shows is what the code checks."""

from ctrlab_api.crd.definition import KINDS, ResourceKind, definition
from ctrlab_api.crd.reference import reference
from ctrlab_api.crd.structural_schemas import structural_schema

__all__ = ["KINDS", "ResourceKind", "definition", "reference", "structural_schema"]
