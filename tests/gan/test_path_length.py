"""The path length regularisation of StyleGAN2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import networks
from jaxgan.gan import path_length_penalty

DIM = 3


def test_path_lengths_of_a_linear_generator():
    linear = networks.mlp_generator(
        DIM, (), shape=(6,), output=networks.linear(-1.0, 1.0)
    )
    params = linear.init(jax.random.key(0))
    penalty = path_length_penalty(linear, batch=20_000)
    value, mean = jax.jit(penalty.apply)(params, jax.random.key(1), jnp.asarray(0.4))
    # ‖Wᵀy‖, y normal with variance 1 over the number of pixels.
    kernel = np.asarray(params["output"]["kernel"])
    noise = np.random.default_rng(0).normal(size=(20_000, 6)) / np.sqrt(6)
    norms = np.linalg.norm(noise @ kernel.T, axis=1)
    assert mean == pytest.approx(0.4 + 0.01 * (norms.mean() - 0.4), rel=1e-3)
    assert value == pytest.approx(np.mean((norms - float(mean)) ** 2), rel=0.05)


def test_numbers_that_cannot_be():
    generator = networks.mlp_generator(DIM, (), shape=(6,))
    for options in ({"batch": 0}, {"folding_latents": 1}):
        with pytest.raises(ValueError, match="batch must be ≥ 1"):
            path_length_penalty(generator, **options)
