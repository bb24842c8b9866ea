"""The complete configuration of a variant: fixed parameters of the plan, tuned parameters and declared defaults."""

from collections.abc import Mapping

from pydantic import ValidationError

from ctrlab_api.architectures import Architecture, declaration
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.plan import Variant
from ctrlab_api.records.studies import ParameterValue


def resolve_config(variant: Variant, tuned: Mapping[str, ParameterValue]) -> Architecture:
    """Return the validated parameters of the architecture; a tuned value takes precedence over a fixed one.

    Raises InvalidSpec with one problem for each parameter that is unknown or out of range.
    """
    try:
        declared = declaration(variant.architecture)
        return declared.model_validate({**variant.parameters, **tuned})
    except ValidationError as error:
        raise InvalidSpec(
            [
                Problem(
                    f"{variant.name}.{'.'.join(map(str, detail['loc'])) or 'parameters'}",
                    f"{detail['msg'].removeprefix('Value error, ')}, not {detail['input']!r}",
                )
                for detail in error.errors(include_url=False)
            ]
        ) from None
    except ValueError as error:
        raise InvalidSpec([Problem(f"{variant.name}.architecture", str(error))]) from None
