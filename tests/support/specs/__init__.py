"""Examples of good and bad resources, for the models and for the CRDs alike."""

from typing import Final

from specs.case import Refused
from specs.changes import ABSENT, changed
from specs.refused_as_repeated import REPEATED
from specs.refused_by_checks import DECLARATIONS
from specs.refused_by_rules import RULES
from specs.refused_by_schema import STRUCTURE
from specs.sound import ABLATION, ACCEPTED, EXPERIMENT, SHORTEST

__all__ = ["ABLATION", "ABSENT", "ACCEPTED", "EXPERIMENT", "REFUSED", "SHORTEST", "Refused", "changed"]

REFUSED: Final[dict[str, Refused]] = {**STRUCTURE, **REPEATED, **RULES, **DECLARATIONS}
"""Every bad resource, by what is bad about it."""
