"""The declaration of an architecture: its parameters with ranges, its removable parts, and its data requirements.

Declarations are in this package and not beside the torch code, because `ctrlab validate` and the operator must check a
specification without torch. `ctrlab_trainer/models/<name>.py` has the `nn.Module`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ctrlab_api.schema_types import MAX_INT32


def _split_widths(value: object) -> object:
    """Split text such as "400,400" or an integer into a list, because YAML gives widths as text."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value.strip() else []
    return [value] if isinstance(value, int) else value


Widths = Annotated[
    tuple[Annotated[int, Field(ge=1, le=65536)], ...], BeforeValidator(_split_widths), Field(max_length=16)
]
"""Layer widths, written as "400,400,400"."""

NonEmptyWidths = Annotated[Widths, Field(min_length=1)]

Dropout = Annotated[float, Field(ge=0, lt=1)]
RowOrder = Literal["auto", "rows", "blocks"]
Activation = Literal["relu", "leaky_relu", "prelu", "dice", "sigmoid", "tanh", "gelu"]


class Architecture(BaseModel):
    """The parameters that all architectures share: training and embeddings.

    Defaults suit 10^4 to 10^7 rows; they were chosen by validation AUC on MovieLens-100K. `examples/` has the published
    settings of larger benchmarks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ClassVar[str]
    """Name in a specification."""
    title: ClassVar[str]
    """Name in print, as in its paper."""
    paper: ClassVar[str]
    """The paper that proposed it."""
    parts: ClassVar[dict[str, str]] = {}
    """Removable parts with a description of each; an ablation may remove any of them."""
    branches: ClassVar[tuple[str, ...]] = ()
    """The parts that compute the logit; at least one must remain."""
    history_branches: ClassVar[tuple[str, ...]] = ()
    """The branches whose only inputs are histories."""
    needs_history: ClassVar[bool] = False
    """Whether the data set must have a History feature."""

    embedding_dim: int = Field(default=16, ge=1, le=1024)
    """Embedding dimension of each field."""
    embedding_init: float = Field(default=1e-4, gt=0, le=1)
    """Standard deviation of the normal initialization of embeddings."""
    embedding_l2: float = Field(default=1e-4, ge=0, le=10)
    """lambda of the penalty lambda/2 * ||E||^2 over the embedding table and the weights of the linear term."""
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = "adam"
    """Optimizer, as PyTorch implements it."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """Initial learning rate; schedule determines how it changes."""
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    """L2 penalty of the weight matrices outside the embedding tables; decoupled for adamw."""
    batch_size: int = Field(default=1024, ge=1, le=1_000_000)
    """Rows per training step."""
    epochs: int = Field(default=20, ge=1, le=1000)
    """Maximum number of epochs; early stopping usually ends training before."""
    patience: int = Field(default=2, ge=1, le=1000)
    """Epochs without improvement of the validation metric before training stops."""
    schedule: Literal["plateau", "constant", "cosine"] = "plateau"
    """Learning-rate schedule; plateau divides the rate by ten after each epoch without improvement, down to 1e-6."""
    clip_norm: float = Field(default=10.0, gt=0, le=1e6)
    """Maximum norm of the gradient."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Precision of matrix products in training on a GPU: tf32 rounds their inputs to 10 bits, bfloat16 to 7. Training
    on a CPU and all evaluated predictions use float32."""
    sparse_embeddings_above: int = Field(default=0, ge=0, le=MAX_INT32)
    """Number of rows of an embedding table above which a step updates only the rows of its batch, moments and penalty
    included: faster for millions of rows, but with different results (for Adam: torch's SparseAdam). 0: never."""
    row_order: RowOrder = "auto"
    """Order of training rows in an epoch. rows: a random permutation of all rows. blocks: neighboring rows are read
    together and permuted within 64 MiB. auto: blocks if the rows need more than half of the memory. On a GPU all rows
    are in its memory."""


class WithDNN(Architecture):
    """The parameters of architectures with an MLP (`dnn`)."""

    hidden_units: NonEmptyWidths = (128, 64)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Activation of the hidden layers."""
    dropout: Dropout = 0.2
    """Dropout after each hidden layer."""
    batch_norm: bool = False
    """Whether each hidden layer is batch-normalized before its activation."""
