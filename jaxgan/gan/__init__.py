"""Generators trained against a critic: the vanilla GAN and the WGAN-GP.

Both are algorithms that `jaxgan.training` runs. A penalty on the generator, or an
encoder beside it, can be added to either.

>>> import jax
>>> from jaxgan import data, gan, networks, training
>>> digits = jax.numpy.asarray(data.load("sample", "train").images)
>>> wgan = gan.wgan_gp(networks.mlp_generator(4, (8,)), networks.mlp_critic((8,)))
>>> state = wgan.init(jax.random.key(0))
>>> state, metrics = training.chunk(wgan, state, digits, 2, batch_size=16)
>>> bool(metrics.gradient_penalty >= 0)
True

Read `losses` (the gradient penalty is there), `objectives` (what the two networks
minimise), `alternating` (the training step), `finishing` (the network that is saved and
used after training). `regularisation` is a penalty's part in the step: `path_energy` is
a penalty on the least energy of paths, `path_length` that of StyleGAN2. `encoder` is
trained along, for short codes of given images. `between_codes` shows images of paths to
the critic.
"""

from jaxgan.gan import losses
from jaxgan.gan.alternating import (
    Metrics,
    Objective,
    State,
    adversarial,
    heldout_wasserstein_estimate,
)
from jaxgan.gan.between_codes import with_codes_between
from jaxgan.gan.encoder import EncoderState, encoder_regulariser
from jaxgan.gan.finishing import finish
from jaxgan.gan.objectives import vanilla_gan, wgan_gp
from jaxgan.gan.path_energy import log_rho, path_energy_penalty
from jaxgan.gan.path_length import path_length_penalty
from jaxgan.gan.regularisation import (
    MatchedState,
    Penalty,
    PenaltyState,
    Regulariser,
    lazy_regulariser,
    matched_regulariser,
)

__all__ = [
    "EncoderState",
    "MatchedState",
    "Metrics",
    "Objective",
    "Penalty",
    "PenaltyState",
    "Regulariser",
    "State",
    "adversarial",
    "encoder_regulariser",
    "finish",
    "heldout_wasserstein_estimate",
    "lazy_regulariser",
    "log_rho",
    "losses",
    "matched_regulariser",
    "path_energy_penalty",
    "path_length_penalty",
    "vanilla_gan",
    "wgan_gp",
    "with_codes_between",
]
