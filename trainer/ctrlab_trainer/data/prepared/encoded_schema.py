"""Schema of a prepared data set: its features, and the rows of one fused embedding table that their ids refer to.

Ids are global rows of the fused table. Each feature has a block of rows that starts at `offset`; the first row of the
block is the feature's out-of-vocabulary id. Row 0 of the table is padding and stays zero. A History has no block: it
uses the block of the feature whose values it lists. The times since its events have a block that no source row uses.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from ctrlab_api.schema_types import ApiModel

PADDING = 0
"""Global id of padding."""

TIME_GAP_IDS = 64
"""Number of ids for the time since an event: powers of two of the time column's unit."""


class EncodedVectors(ApiModel):
    """Pre-trained vectors of a feature, in a file next to the schema."""

    file: str
    """[ids of the block, width] float32; NaN for an id whose embedding is learned."""
    width: int
    trained: bool
    """Whether training changes the vectors."""


class EncodedFeature(ApiModel):
    """One feature, and the location of its values."""

    name: str
    kind: Literal["categorical", "numeric", "multicategorical", "history", "gaps", "vector"]
    """`gaps`: times since the events of the history `of`; added to the event embeddings, not a separate field."""
    offset: int
    """First row of its block in the fused table."""
    size: int
    """Number of rows in its block; 1 for a numeric feature, whose embedding is multiplied by the value; 0 for a vector,
    which is projected."""
    column: int
    """Column of `categorical` or `numeric`; -1 for the kinds that have a separate array."""
    length: int = 1
    """Maximum number of ids per row, for multicategorical and history; width of a vector."""
    of: str | None = None
    """Categorical feature whose block a history shares."""
    pooling: Literal["mean", "sum", "max"] | None = None
    """Pooling of the embeddings of a multicategorical feature; None means the mean."""
    through: str | None = None
    """History whose events this history shares."""
    stored: Literal["Ids", "IdsAndTimes"] | None = None
    """Content of the rows for each event of a stored history, also with `through`; None for logged events."""
    vectors: EncodedVectors | None = None
    """Pre-trained vectors of a categorical feature, and of its histories."""
    shift: int = Field(default=0, exclude=True)
    """Difference between its encoded ids and its rows in a table from which dropped features are removed."""


class EncodedSchema(ApiModel):
    """Content of `schema.json`, stored next to the splits."""

    features: tuple[EncodedFeature, ...]
    """Features in the order of the specification."""
    embedding_rows: int
    """Number of rows of the fused table, padding included."""
    _folder: Path | None = PrivateAttr(default=None)

    @classmethod
    def in_folder(cls, folder: Path, file: str) -> "EncodedSchema":
        """Read the schema of a prepared data set; it stores the folder, to open the vectors of its features."""
        schema = cls.model_validate_json((folder / file).read_bytes())
        schema._folder = folder
        return schema

    def vectors(self, feature: EncodedFeature) -> NDArray[np.float32]:
        """Return the [ids of the block, width] pre-trained vectors, memory-mapped."""
        assert self._folder is not None
        assert feature.vectors is not None
        vectors: NDArray[np.float32] = np.load(self._folder / feature.vectors.file, mmap_mode="r", allow_pickle=False)
        return vectors

    @property
    def blocks(self) -> dict[str, range]:
        """Rows of the table by feature; a history uses the rows of the feature that it lists."""
        return {
            f.name: range(f.offset, f.offset + f.size) for f in self.features if f.kind not in ("history", "vector")
        }

    def without(self, dropped: tuple[str, ...]) -> "EncodedSchema":
        """Return the schema for a model that does not see the dropped features.

        Their blocks are removed from the table, and later blocks move up.
        """
        dropped = (*dropped, *(feature.name for feature in self.of_kind("gaps") if feature.of in dropped))
        removed = [rows for name, rows in self.blocks.items() if name in dropped]

        def moved(feature: EncodedFeature) -> EncodedFeature:
            by = sum(len(rows) for rows in removed if rows.start < feature.offset)
            return feature.model_copy(update={"offset": feature.offset - by, "shift": feature.shift + by})

        return self.model_copy(
            update={
                "features": tuple(moved(feature) for feature in self.features if feature.name not in dropped),
                "embedding_rows": self.embedding_rows - sum(map(len, removed)),
            }
        )

    @property
    def logged_histories(self) -> dict[str, EncodedFeature]:
        """Histories that point into an event log, by the beginning of the names of their files."""
        logged = [feature for feature in self.of_kind("history") if feature.stored is None]
        return {f"history-{index}": feature for index, feature in enumerate(logged)}

    @property
    def stored_histories(self) -> dict[str, EncodedFeature]:
        """Histories whose events are stored with the rows, by the beginning of the names of their files."""
        stored = [feature for feature in self.of_kind("history") if feature.stored is not None]
        return {f"stored-history-{index}": feature for index, feature in enumerate(stored)}

    def feature(self, name: str) -> EncodedFeature:
        """Return the feature with this name; StopIteration if there is none."""
        return next(feature for feature in self.features if feature.name == name)

    def of_kind(self, kind: str) -> tuple[EncodedFeature, ...]:
        """Return the features of one kind, in order."""
        return tuple(feature for feature in self.features if feature.kind == kind)
