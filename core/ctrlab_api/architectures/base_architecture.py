"""What every architecture declares: parameters with their ranges, removable parts, and what it needs of the data.

Declarations live in the contract, not beside the torch code, because `ctrlab validate` and the operator must check a
specification without torch; the module that computes it has the same file name in `ctrlab_trainer/models/`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(value: object) -> object:
    """ "400,400" and 64 as a list of integers, for values that come as text from YAML."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value.strip() else []
    return [value] if isinstance(value, int) else value


Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], BeforeValidator(_split), Field(max_length=16)]
"""Layer widths, written "400,400,400"."""

NonEmptyWidths = Annotated[Widths, Field(min_length=1)]

Dropout = Annotated[float, Field(ge=0, lt=1)]
RowOrder = Literal["auto", "rows", "blocks"]
Activation = Literal["relu", "leaky_relu", "prelu", "dice", "sigmoid", "tanh", "gelu"]


class Architecture(BaseModel):
    """Parameters shared by all architectures: how they are trained, and how wide their embeddings are.

    Defaults suit 10^4 to 10^7 rows; they were chosen by validation AUC on MovieLens-100K. `examples/` has the published
    settings of larger benchmarks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ClassVar[str]
    """As a specification names it."""
    title: ClassVar[str]
    """As papers print it."""
    paper: ClassVar[str]
    """Where it was proposed."""
    parts: ClassVar[dict[str, str]] = {}
    """Removable parts and what each is; an ablation may remove any of them."""
    branches: ClassVar[tuple[str, ...]] = ()
    """The parts that yield the logit; at least one must stay."""
    history_branches: ClassVar[tuple[str, ...]] = ()
    """Those of the branches that see nothing but histories."""
    needs_history: ClassVar[bool] = False
    """Whether the data set must have a History feature."""

    embedding_dim: int = Field(default=16, ge=1, le=1024)
    """Width of the embedding of each field."""
    embedding_init: float = Field(default=1e-4, gt=0, le=1)
    """Standard deviation of the embeddings' normal initialisation."""
    embedding_l2: float = Field(default=1e-4, ge=0, le=10)
    """lambda of the penalty lambda/2 * ||E||^2 over the embedding table and the weights of the linear term."""
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = "adam"
    """The rule that turns gradients into steps, as PyTorch implements it."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """Size of the optimizer's first steps; schedule says how it changes."""
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    """L2 of the matrices outside the tables; decoupled for adamw."""
    batch_size: int = Field(default=1024, ge=1, le=1_000_000)
    """Rows for each step."""
    epochs: int = Field(default=20, ge=1, le=1000)
    """At most so many; early stopping usually ends before."""
    patience: int = Field(default=2, ge=1, le=1000)
    """Epochs without a better validation metric before training stops."""
    schedule: Literal["plateau", "constant", "cosine"] = "plateau"
    """plateau: the learning rate falls tenfold after each epoch that does not improve, down to 1e-6."""
    clip_norm: float = Field(default=10.0, gt=0, le=1e6)
    """Largest norm of the gradient."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Of matrix products in training on a GPU: tf32 rounds their inputs to 10 bits, bfloat16 to 7. A CPU computes in
    float32, and so does every prediction that is judged."""
    sparse_embeddings_above: int = Field(default=0, ge=0, le=2**31 - 1)
    """Rows of a table above which a step changes only the rows that its batch has drawn, moments and penalty included:
    quicker for millions of rows, and another result (for Adam: torch's SparseAdam). 0: never."""
    row_order: RowOrder = "auto"
    """rows: an epoch takes the training rows in any order. blocks: neighbouring rows are read together, and permuted
    within 64 MiB of them. auto: blocks where the rows need more than half of the memory. A GPU holds all rows."""


class WithDNN(Architecture):
    """Shared by architectures that end in a multi-layer perceptron."""

    hidden_units: NonEmptyWidths = (128, 64)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Between hidden layers."""
    dropout: Dropout = 0.2
    """After each hidden layer."""
    batch_norm: bool = False
    """Whether each hidden layer is normalised before its activation."""
