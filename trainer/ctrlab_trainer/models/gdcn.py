"""Gated Deep Cross Network (Wang et al., CIKM 2023), the parallel structure."""

from ctrlab_api.architectures.factorization_models import GDCN as Config
from ctrlab_trainer.models.components.cross_networks import CrossNetwork, GatedCrossNetwork
from ctrlab_trainer.models.components.model_inputs import Inputs
from ctrlab_trainer.models.components.parallel_cross import ParallelCross


class GDCN(ParallelCross):
    """logit = w·[gated cross(x), perceptron(x)]; without gates the cross network is that of DCN V2."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        network = GatedCrossNetwork if "gate" in parts else CrossNetwork
        super().__init__(network, config.cross_layers, config, inputs, parts)
