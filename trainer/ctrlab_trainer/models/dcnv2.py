"""DCN V2 (Wang et al., WWW 2021), the parallel structure."""

from ctrlab_api.architectures.factorization_models import DCNv2 as Config
from ctrlab_trainer.models.components.cross_networks import CrossNetwork
from ctrlab_trainer.models.components.model_inputs import Inputs
from ctrlab_trainer.models.components.parallel_cross import ParallelCross


class DCNv2(ParallelCross):
    """logit = w·[full-rank cross(x), perceptron(x)]."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__(CrossNetwork, config.cross_layers, config, inputs, parts)
