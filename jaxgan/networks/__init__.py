"""Networks as pairs of pure functions; only this package uses flax.

Batch-normalisation keeps no running state: a generator in training normalises by
the batch at hand, and a finished one is folded into plain affine layers.
"""

from jaxgan.networks.autoencoders import Heads, mlp_decoder, mlp_encoder
from jaxgan.networks.classifiers import Classified, conv_classifier
from jaxgan.networks.critics import conv_critic, mlp_critic
from jaxgan.networks.generators import Generator, conv_generator, mlp_generator
from jaxgan.networks.layers import EPSILON, NEGATIVE_SLOPE, Network, leaky_relu

__all__ = [
    "EPSILON",
    "NEGATIVE_SLOPE",
    "Classified",
    "Generator",
    "Heads",
    "Network",
    "conv_classifier",
    "conv_critic",
    "conv_generator",
    "leaky_relu",
    "mlp_critic",
    "mlp_decoder",
    "mlp_encoder",
    "mlp_generator",
]
