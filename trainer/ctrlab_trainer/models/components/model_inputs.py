"""The inputs of a model: the number of fields of each kind, and the candidate field of each history."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema

Pooling = Literal["mean", "sum", "max"]


@dataclass(frozen=True)
class HistoryInput:
    """One history feature."""

    name: str
    length: int
    """Maximum number of events."""
    target: int
    """Index of the categorical field with the candidate that the history is compared with."""


@dataclass(frozen=True)
class VectorInput:
    """A feature whose embeddings come from pre-trained vectors."""

    name: str
    offset: int
    """First row of its block in the fused table."""
    vectors: NDArray[np.float32]
    """[ids of the block, width]; NaN for an id without a vector."""
    trained: bool
    field: int
    """Index of its categorical field."""
    histories: tuple[int, ...]
    """Indices of the histories of this feature."""

    @property
    def key(self) -> str:
        """A valid module name: without dots, and different from the methods of a module dictionary."""
        return f"of_{self.name.replace('.', '_')}"


@dataclass(frozen=True)
class RowVectorInput:
    """A Vector feature: numbers of each row, which a learned matrix projects."""

    name: str
    width: int

    @property
    def key(self) -> str:
        """A valid module name, different from the methods of a module dictionary."""
        return f"of_{self.name.replace('.', '_')}"


@dataclass(frozen=True)
class ModelInputs:
    """The columns of a batch's ids by kind of feature."""

    rows: int
    """Rows of the fused table, padding included."""
    blocks: dict[str, range]
    """Rows of each feature."""
    categorical: int
    numeric: int
    multicategorical: tuple[int, ...]
    """Maximum number of ids of each multi-categorical feature."""
    pooling: tuple[Pooling, ...]
    """Pooling of the embeddings of each multi-categorical feature."""
    histories: tuple[HistoryInput, ...]
    vectors: tuple[VectorInput, ...] = ()
    row_vectors: tuple[RowVectorInput, ...] = ()

    @classmethod
    def from_schema(cls, schema: EncodedSchema) -> "ModelInputs":
        """Return the inputs that a schema describes.

        InvalidSpec for a history without its candidate field, or no input.
        """
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
            row_vectors=tuple(RowVectorInput(feature.name, feature.length) for feature in schema.of_kind("vector")),
            vectors=tuple(
                VectorInput(
                    name=feature.name,
                    offset=feature.offset,
                    vectors=schema.vectors(feature),
                    trained=feature.vectors.trained,
                    field=field,
                    histories=tuple(
                        index for index, history in enumerate(schema.of_kind("history")) if history.of == feature.name
                    ),
                )
                for field, feature in enumerate(schema.of_kind("categorical"))
                if feature.vectors is not None
            ),
        )

    @property
    def fields(self) -> int:
        """Number of fields without the histories."""
        return self.categorical + self.numeric + len(self.multicategorical) + len(self.row_vectors)

    @property
    def fields_with_histories(self) -> int:
        """Number of fields if every history is pooled to an additional one."""
        return self.fields + len(self.histories)
