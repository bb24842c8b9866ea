"""Examples of good and bad resources, for the models and for the CRDs alike."""

from typing import Any, Final

from specs.case import Refused
from specs.changes import ABSENT, changed
from specs.data_sets import SOUND_DATA, UNSOUND_DATA
from specs.refused_as_repeated import REPEATED
from specs.refused_by_checks import DECLARATIONS
from specs.refused_by_rules import RULES
from specs.refused_by_schema import STRUCTURE
from specs.sound import ABLATION, EXPERIMENT, SHORTEST, SOUND

__all__ = ["ABLATION", "ABSENT", "ACCEPTED", "EXPERIMENT", "REFUSED", "SHORTEST", "Refused", "changed"]

ACCEPTED: Final[dict[str, dict[str, Any]]] = {**SOUND, **SOUND_DATA}
"""Each is accepted by the models and by the CRDs."""

REFUSED: Final[dict[str, Refused]] = {**STRUCTURE, **REPEATED, **RULES, **UNSOUND_DATA, **DECLARATIONS}
"""Every bad resource, by what is bad about it."""
