"""The CRDs and the field reference, generated from the models, so that `kubectl explain` shows what the code checks."""

from ctrlab_api.crd.crd_definitions import KINDS, ResourceKind, crd_definition
from ctrlab_api.crd.field_reference import field_reference
from ctrlab_api.crd.structural_schemas import structural_schema

__all__ = ["KINDS", "ResourceKind", "crd_definition", "field_reference", "structural_schema"]
