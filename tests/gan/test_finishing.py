import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import gan, storage
from jaxgan.gan.finishing import FOLDING_LATENTS
from jaxgan.networks import mlp_generator

KEY = jax.random.key(1)
GENERATOR = mlp_generator(3, (8, 16, 16), shape=(4, 4, 1))


@pytest.fixture(scope="module")
def params():
    """Weights whose batch-normalisation does something, unlike that of new ones."""
    first = GENERATOR.init(jax.random.key(0))
    leaves, structure = jax.tree.flatten(first)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [
        leaf + 0.2 * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(structure, moved)


def folding_latents():
    return jax.random.normal(KEY, (FOLDING_LATENTS, GENERATOR.latent_dim))


def with_a_bias_of(params, value):
    output = params["output"]
    return {**params, "output": {**output, "bias": output["bias"].at[0].set(value)}}


def test_a_finished_generator_makes_the_images_of_the_one_in_training(params):
    """On the latents whose statistics it has, up to half precision."""
    finished = gan.finish(KEY, GENERATOR, params)
    assert finished is not None
    latents = folding_latents()
    expected = GENERATOR.apply(params, latents)
    np.testing.assert_allclose(finished.generate(latents), expected, atol=0.01)
    # Without the statistics of all latents it would not: a few have others.
    few = GENERATOR.apply(params, latents[:10])
    assert np.abs(few - expected[:10]).max() > 0.05


def test_finishing_is_folding_and_rounding(params):
    finished = gan.finish(KEY, GENERATOR, params)
    folded = GENERATOR.fold(params, folding_latents())
    assert finished is not None and finished.network is folded.network
    for unrounded in (folded, finished):
        rounded = storage.as_stored(unrounded)
        jax.tree.map(np.testing.assert_array_equal, finished, rounded)


@pytest.mark.parametrize(
    "value",
    [
        jnp.nan,
        jnp.inf,
        1e5,  # more than half precision holds
    ],
)
def test_a_generator_that_is_not_finite_is_not_finished(params, value):
    assert gan.finish(KEY, GENERATOR, with_a_bias_of(params, value)) is None
    assert gan.finish(KEY, GENERATOR, with_a_bias_of(params, 1e4)) is not None
