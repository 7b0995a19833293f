"""Autoencoders with noisy codes: how much a code tells, and how well it is decoded.

The rate is the information that a code carries about its image, the distortion what is
lost in decoding; both are in nats. Codes with Gaussian noise make the β-VAE; codes with
Echo noise have a rate that is exactly their mutual information.

>>> import jax
>>> from jaxgan import autoencoders, networks, training
>>> model = autoencoders.Autoencoder(
...     networks.mlp_encoder(2, (8,)),
...     networks.mlp_decoder(2, (8,)),
...     autoencoders.gaussian_channel,
...     autoencoders.bernoulli_distortion,
... )
>>> vae = autoencoders.autoencoding(model, optimizer=training.ADAM, beta=1.0)
>>> state = vae.init(jax.random.key(0))
>>> images = -jax.numpy.ones((3, 28, 28, 1))
>>> measured = autoencoders.measure(model, state.params, jax.random.key(1), images)
>>> measured.rates.shape
(3,)

Read `autoencoder`, then `gaussian`; for Echo noise `contractions`, `echo_noise`,
`echo_codes`, `echo_diagnostics`. `likelihoods` has the distortions.
"""

from jaxgan.autoencoders.autoencoder import (
    Autoencoder,
    Channel,
    Coded,
    Marginal,
    Measured,
    Metrics,
    State,
    Weights,
    autoencoding,
    measure,
)
from jaxgan.autoencoders.contractions import Maps, needed_depth
from jaxgan.autoencoders.echo_codes import ECHO_TOLERANCE, Echo, Sampler, echo
from jaxgan.autoencoders.echo_diagnostics import Exactness, exactness
from jaxgan.autoencoders.echo_noise import in_batch, ring
from jaxgan.autoencoders.gaussian import (
    divergence_from_prior,
    gaussian_channel,
    importance_log_likelihood,
    prior,
)
from jaxgan.autoencoders.likelihoods import (
    bernoulli_distortion,
    bernoulli_mixture,
    binarise,
    distortion_at_rate_zero,
    gaussian_distortion,
)

__all__ = [
    "Autoencoder",
    "Channel",
    "Coded",
    "ECHO_TOLERANCE",
    "Echo",
    "Exactness",
    "Maps",
    "Marginal",
    "Measured",
    "Metrics",
    "Sampler",
    "State",
    "Weights",
    "autoencoding",
    "bernoulli_distortion",
    "bernoulli_mixture",
    "binarise",
    "distortion_at_rate_zero",
    "divergence_from_prior",
    "echo",
    "exactness",
    "gaussian_channel",
    "gaussian_distortion",
    "importance_log_likelihood",
    "in_batch",
    "measure",
    "needed_depth",
    "prior",
    "ring",
]
