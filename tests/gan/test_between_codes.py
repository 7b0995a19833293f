"""Batches with codes on lines between two codes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import gan, networks
from jaxgan.gan.between_codes import between


def test_half_of_the_codes_stay_and_the_others_are_on_lines():
    latents = jax.random.normal(jax.random.key(0), (64, 5))
    found = np.asarray(between(latents))
    assert (found[:32] == latents[:32]).all()
    given = np.asarray(latents[32:])
    for number, code in enumerate(found[32:]):
        one, other = given[number], given[number - 1]
        share = (number + 0.5) / 32
        np.testing.assert_allclose(code, one + share * (other - one), atol=1e-6)


def test_their_norms_are_those_of_points_on_lines():
    """E‖(1 − t) z + t z′‖² = d E[(1 − t)² + t²] = 2d/3, where codes have d."""
    latents = jax.random.normal(jax.random.key(1), (20_000, 64))
    squares = np.sum(np.asarray(between(latents)) ** 2, 1)
    assert squares[:10_000].mean() == pytest.approx(64, rel=0.01)
    assert squares[10_000:].mean() == pytest.approx(64 * 2 / 3, rel=0.01)


@pytest.mark.parametrize("count", [3, 4, 16])
def test_the_generator_is_the_same_one_on_other_codes(count):
    generator = networks.mlp_generator(4, (8, 8), shape=(6,))
    moved = gan.with_codes_between(generator)
    params = generator.init(jax.random.key(2))
    latents = jax.random.normal(jax.random.key(3), (count, 4))
    found = moved.apply(params, latents)
    np.testing.assert_array_equal(found, generator.apply(params, between(latents)))
    # Folded over the same batch, the finished network takes codes as they are.
    finished = moved.fold(params, latents)
    np.testing.assert_allclose(finished.generate(between(latents)), found, atol=1e-5)
    assert jnp.abs(finished.generate(latents) - found).max() > 1e-3
