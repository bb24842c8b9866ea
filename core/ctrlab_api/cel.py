"""CEL rules beside the pydantic validators that say the same.

`rules` attaches them to a model's JSON schema as `x-kubernetes-validations`; the CRD generator copies them out, and the
tests hold rule and validator against the same examples.
"""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

CEL_VALIDATIONS = "x-kubernetes-validations"
"""The schema's key for rules."""

M = TypeVar("M", bound=type[BaseModel])


def cel_rules(*pairs: tuple[str, str]) -> Callable[[M], M]:
    """Class decorator: each pair is a CEL expression over `self` (API names) and the message of a refusal."""

    def attach(model: M) -> M:
        model.model_config["json_schema_extra"] = {
            CEL_VALIDATIONS: [{"rule": rule, "message": message} for rule, message in pairs]
        }
        model.model_rebuild(force=True)
        return model

    return attach
