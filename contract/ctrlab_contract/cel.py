"""CEL rules beside the pydantic validators that say the same.

`rules` attaches them to a model's JSON schema as `x-kubernetes-validations`; the CRD generator copies them out.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=type[BaseModel])


def rules(*pairs: tuple[str, str]) -> Callable[[M], M]:
    """Class decorator: each pair is a CEL expression over `self` (API names) and the message of a refusal."""

    def attach(model: M) -> M:
        extra: dict[str, Any] = {"x-kubernetes-validations": [{"rule": rule, "message": text} for rule, text in pairs]}
        model.model_config["json_schema_extra"] = extra
        model.model_rebuild(force=True)
        return model

    return attach
