"""Examples of good and bad resources, for the models and for the CRDs alike."""

from specs.changes import changed
from specs.refused import REFUSED, Refused
from specs.sound import ABLATION, ACCEPTED, EXPERIMENT, SHORTEST

__all__ = ["ABLATION", "ACCEPTED", "EXPERIMENT", "REFUSED", "SHORTEST", "Refused", "changed"]
