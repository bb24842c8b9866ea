"""Building blocks of the architectures, each with its formula.

The names exported here are stable, so that other packages can build models from them.
"""

from ctrlab_trainer.models.components.activations import Dice, make_activation
from ctrlab_trainer.models.components.behavior_sequence import BehaviorSequence
from ctrlab_trainer.models.components.candidate_pooling import fields_and_histories, pool_by_candidate
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.embedding_tables import Embedded, FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.history_pooling import TargetAttention, mean_over_events
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLP, MLPLogit
from ctrlab_trainer.models.components.model_inputs import HistoryInput, ModelInputs
from ctrlab_trainer.models.components.pairwise_products import pairwise_products

__all__ = [
    "CIN",
    "MLP",
    "BehaviorSequence",
    "Dice",
    "Dropout",
    "Embedded",
    "FieldEmbedding",
    "HistoryInput",
    "LinearTerm",
    "MLPLogit",
    "ModelInputs",
    "TargetAttention",
    "apply_branch",
    "fields_and_histories",
    "make_activation",
    "mean_over_events",
    "pairwise_products",
    "pool_by_candidate",
    "sum_branches",
]
