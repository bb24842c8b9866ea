"""Deep & Cross Network (Wang et al., ADKDD 2017)."""

from ctrlab_api.architectures.factorization_models import DCN as Config
from ctrlab_trainer.models.components.cross_networks import VectorCrossNetwork
from ctrlab_trainer.models.components.model_inputs import Inputs
from ctrlab_trainer.models.components.parallel_cross import ParallelCross


class DCN(ParallelCross):
    """logit = w·[rank-one cross(x), perceptron(x)]."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__(VectorCrossNetwork, config.cross_layers, config, inputs, parts)
