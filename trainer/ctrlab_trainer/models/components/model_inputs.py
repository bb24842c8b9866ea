"""What a model is given: how many fields of each kind, and which field each history's candidate is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema

Pooling = Literal["mean", "sum", "max"]


@dataclass(frozen=True)
class HistoryInput:
    """One history."""

    name: str
    length: int
    """At most so many events."""
    target: int
    """Which categorical field holds the candidate that the history is compared with."""


@dataclass(frozen=True)
class VectorInput:
    """A feature whose embeddings come from pre-trained vectors, and where its ids stand."""

    name: str
    offset: int
    """First row of its block in the fused table."""
    vectors: NDArray[np.float32]
    """[ids of the block, width]; NaN where an id has none."""
    trained: bool
    field: int
    """Its categorical field."""
    histories: tuple[int, ...]
    """The histories that are made of it."""

    @property
    def key(self) -> str:
        """Its name as that of a module, which has no dots and does not begin as a method's."""
        return f"of_{self.name.replace('.', '_')}"


@dataclass(frozen=True)
class Inputs:
    """The columns of a batch's ids, kind by kind."""

    rows: int
    """Rows of the fused table, padding included."""
    blocks: dict[str, range]
    """Which of them belong to each feature."""
    categorical: int
    numeric: int
    multicategorical: tuple[int, ...]
    """Ids of each multi-categorical feature."""
    pooling: tuple[Pooling, ...]
    """How the embeddings of each multi-categorical feature become one."""
    histories: tuple[HistoryInput, ...]
    vectors: tuple[VectorInput, ...] = ()

    @classmethod
    def of(cls, schema: EncodedSchema) -> "Inputs":
        """The inputs that a schema describes; InvalidSpec for a history without its candidate field, or no input."""
        names = [feature.name for feature in schema.of_kind("categorical")]
        for feature in schema.of_kind("history"):
            if feature.of not in names:
                message = f"the history {feature.name!r} needs its candidate {feature.of!r}: drop both or neither"
                raise InvalidSpec([Problem("dropFeatures", message)])
        if not schema.features:
            raise InvalidSpec([Problem("dropFeatures", "no feature is left: keep at least one")])
        return cls(
            rows=schema.embedding_rows,
            blocks=schema.blocks,
            categorical=len(names),
            numeric=len(schema.of_kind("numeric")),
            multicategorical=tuple(feature.length for feature in schema.of_kind("multicategorical")),
            pooling=tuple(feature.pooling or "mean" for feature in schema.of_kind("multicategorical")),
            histories=tuple(
                HistoryInput(feature.name, feature.length, names.index(feature.of or ""))
                for feature in schema.of_kind("history")
            ),
            vectors=tuple(
                VectorInput(
                    name=feature.name,
                    offset=feature.offset,
                    vectors=schema.vectors(feature),
                    trained=feature.vectors.trained,
                    field=field,
                    histories=tuple(
                        place for place, history in enumerate(schema.of_kind("history")) if history.of == feature.name
                    ),
                )
                for field, feature in enumerate(schema.of_kind("categorical"))
                if feature.vectors is not None
            ),
        )

    @property
    def fields(self) -> int:
        """Fields without the histories."""
        return self.categorical + self.numeric + len(self.multicategorical)

    @property
    def fields_with_histories(self) -> int:
        """Fields when every history is pooled to one more."""
        return self.fields + len(self.histories)
