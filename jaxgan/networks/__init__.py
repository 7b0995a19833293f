"""Networks as pairs of pure functions, `init` and `apply`; only this room uses flax.

Batch-normalisation keeps no running state: a generator in training normalises by the
batch at hand, and a finished one is folded: the normalisation becomes part of its
affine layers.

>>> import jax
>>> from jaxgan import networks
>>> generator = networks.mlp_generator(latent_dim=2, widths=(8, 16))
>>> params = generator.init(jax.random.key(0))
>>> generator.apply(params, jax.numpy.zeros((5, 2))).shape
(5, 28, 28, 1)

Read `layers`, then any of `generators`, `critics`, `classifiers`, `autoencoders`;
`convolutions` has their convolutions, fast in derivatives of any order. `finished` is
what all that studies a generator takes, built here or elsewhere, and `checking` tells
what is wrong with one. `piecewise` describes it region by region: between the kinks of
its leaky ReLUs its logits are affine. `rounded` is the same generator with its kinks
rounded off.
"""

from jaxgan.networks.autoencoders import Heads, mlp_decoder, mlp_encoder
from jaxgan.networks.checking import check
from jaxgan.networks.classifiers import Classified, conv_classifier
from jaxgan.networks.critics import centred, conv_critic, mlp_critic, with_centre
from jaxgan.networks.directions import SingularDirections, singular_directions
from jaxgan.networks.finished import (
    SIGMOID,
    SMOOTH,
    TANH,
    FinishedGenerator,
    FinishedNetwork,
    Kink,
    Output,
    linear,
    standard_normal,
)
from jaxgan.networks.generators import Generator, conv_generator, mlp_generator
from jaxgan.networks.layers import NEGATIVE_SLOPE, Network, leaky_relu
from jaxgan.networks.piecewise import Layers, layers_of, lipschitz_constant
from jaxgan.networks.rounded import generate_rounded, round_corners

__all__ = [
    "Classified",
    "FinishedGenerator",
    "FinishedNetwork",
    "Generator",
    "Heads",
    "Kink",
    "Layers",
    "NEGATIVE_SLOPE",
    "Network",
    "Output",
    "SIGMOID",
    "SMOOTH",
    "SingularDirections",
    "TANH",
    "centred",
    "check",
    "conv_classifier",
    "conv_critic",
    "conv_generator",
    "generate_rounded",
    "layers_of",
    "leaky_relu",
    "linear",
    "lipschitz_constant",
    "mlp_critic",
    "mlp_decoder",
    "mlp_encoder",
    "mlp_generator",
    "round_corners",
    "singular_directions",
    "standard_normal",
    "with_centre",
]
