"""`spec.dataset.time`: the time column, by its name alone or with the format of its values.

A schema of Kubernetes cannot describe a field that is text or an object. The field is therefore untyped on a cluster,
and CEL rules of the schema cannot read it: an admission policy of the chart has the rules instead, and the operator
checks the same when it loads the resource.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from ctrlab_api.schema_types import ApiModel, ColumnName

UNTYPED: Final = {"x-kubernetes-preserve-unknown-fields": True}
"""Schema of a field that Kubernetes stores without checking it."""


FORM_RULES: Final = (
    (
        "!variables.hasTime || type(variables.time) == map",
        "time is the name of a column, or an object with column and, if needed, format, unit or timezone",
    ),
    (
        "variables.allFields.all(k, k in ['column', 'format', 'unit', 'timezone'])",
        "the fields of time are column, format, unit and timezone",
    ),
    (
        "!variables.hasTime || type(variables.time) != map || ('column' in variables.timeFields "
        "&& type(variables.time.column) == string "
        "&& size(variables.time.column) >= 1 && size(variables.time.column) <= 128)",
        "column is required: the name of a column, with 1 to 128 characters",
    ),
    (
        "!('format' in variables.timeFields) || (type(variables.time.format) == string "
        "&& size(variables.time.format) >= 2 && size(variables.time.format) <= 64 "
        "&& variables.time.format.contains('%'))",
        'format is a strptime pattern such as "%d/%m/%Y", with 2 to 64 characters: %Y is the year, %m the month, '
        "%d the day, %H, %M and %S the time of day",
    ),
    (
        "!('unit' in variables.timeFields) || variables.time.unit in ['s', 'ms', 'us', 'ns', 'Ordinal']",
        "unit is s, ms, us, ns or Ordinal",
    ),
    (
        "!('timezone' in variables.timeFields) || (type(variables.time.timezone) == string "
        "&& size(variables.time.timezone) >= 1 && size(variables.time.timezone) <= 64)",
        "timezone is an IANA name such as Europe/Berlin, with 1 to 64 characters",
    ),
    (
        "!('format' in variables.timeFields && 'unit' in variables.timeFields)",
        "format is for times that are text and unit for numbers: leave one of them out",
    ),
    (
        "!('unit' in variables.timeFields && 'timezone' in variables.timeFields)",
        "timezone is for times that are text, not for numbers with a unit: leave one of them out",
    ),
)
"""Rules of the admission policy over `spec.dataset.time`; the validators are those of `TimeColumn`."""

REQUIREMENT_RULES: Final = (
    ("!(variables.hasTime && has(variables.dataset.order))", "order is for data without time"),
    (
        "variables.hasTime || !(variables.dataset.split.strategy in ['Temporal', 'UserColdStart'])",
        "time is required for a Temporal or UserColdStart split",
    ),
    (
        "variables.hasTime || has(variables.dataset.order) || variables.dataset.split.strategy != 'LeaveLastOut'",
        "time or order is required for a LeaveLastOut split",
    ),
    (
        "variables.hasTime || has(variables.dataset.order) || !variables.dataset.features.exists(f, "
        "f.type == 'History' && !has(f.stored) && !has(f.through))",
        "time or order is required for History features that are not stored",
    ),
    (
        "variables.hasTime || !variables.dataset.features.exists(f, has(f.timeGaps))",
        "time is required for timeGaps",
    ),
    (
        "variables.hasTime || !variables.dataset.features.exists(f, has(f.stored) && has(f.stored.times))",
        "time is required for stored.times",
    ),
)
"""Rules of the admission policy over `spec.dataset`; the validators are those of `Dataset`."""


class TimeColumn(ApiModel):
    """The time column and how its values are read."""

    column: ColumnName
    """Name of the column."""
    format: Annotated[str, Field(min_length=2, max_length=64)] | None = None
    """strptime pattern of times that are text, such as "%d/%m/%Y %H:%M:%S"; detected if absent."""
    unit: Literal["s", "ms", "us", "ns", "Ordinal"] | None = None
    """Unit of times that are numbers since 1970, or Ordinal for numbers that are only compared; detected if absent."""
    timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """IANA name of the time zone of times without offset, such as Europe/Berlin (default UTC)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.format is not None and self.unit is not None:
            raise ValueError("format is for times that are text and unit for numbers: leave one of them out")
        if self.unit is not None and self.timezone is not None:
            raise ValueError("timezone is for times that are text, not for numbers with a unit: leave one of them out")
        if self.format is not None and "%" not in self.format:
            raise ValueError(
                f'format is a strptime pattern such as "%d/%m/%Y", not {self.format!r}: %Y is the year, %m the month, '
                "%d the day, %H, %M and %S the time of day"
            )
        return self

    @model_serializer(mode="wrap")
    def _short_form(self, serialize: SerializerFunctionWrapHandler) -> Any:
        """Return the name alone where nothing else is declared, so that both forms have the same digest."""
        content = serialize(self)
        return self.column if all(value is None for value in (self.format, self.unit, self.timezone)) else content


def _from_name(value: object) -> object:
    if isinstance(value, str):
        return {"column": value}
    if not isinstance(value, dict | TimeColumn):
        raise ValueError(
            f"expected the name of a column as text, or a mapping with column, format, unit and timezone, not {value!r}"
        )
    return value


Time = Annotated[TimeColumn, BeforeValidator(_from_name), WithJsonSchema(UNTYPED)]
"""The name of a column, or a `TimeColumn`."""
