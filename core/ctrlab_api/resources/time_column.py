"""`spec.dataset.time`: the time column, by its name alone or with the format of its values.

A schema of Kubernetes cannot describe a field that is text or an object. The field is therefore untyped on a cluster,
where rules of the schema do not see it, and the operator checks it when it loads the resource.
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
    return {"column": value} if isinstance(value, str) else value


Time = Annotated[TimeColumn, BeforeValidator(_from_name), WithJsonSchema(UNTYPED)]
"""The name of a column, or a `TimeColumn`."""
