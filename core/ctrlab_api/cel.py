"""CEL rules, declared beside the pydantic validators that check the same.

`cel_rules` attaches them to the JSON schema of a model as `x-kubernetes-validations`; the CRD generator copies them,
and the tests check rule and validator against the same examples.
"""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

CEL_VALIDATIONS = "x-kubernetes-validations"
"""The schema keyword of CEL rules."""

M = TypeVar("M", bound=type[BaseModel])


def cel_rules(*pairs: tuple[str, str]) -> Callable[[M], M]:
    """Return a class decorator; each pair is a CEL expression over `self` (API names) and its error message."""

    def attach(model: M) -> M:
        model.model_config["json_schema_extra"] = {
            CEL_VALIDATIONS: [{"rule": rule, "message": message} for rule, message in pairs]
        }
        model.model_rebuild(force=True)
        return model

    return attach
