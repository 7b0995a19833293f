"""The singular directions of a generator's Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import inversion, networks, storage


@pytest.mark.usefixtures("in_double")
def test_they_are_how_far_the_image_moves(toy_model):
    generator = storage.load_generator(toy_model)
    code, step = jnp.array([0.3, -0.8]), 1e-7
    found = jax.jit(networks.singular_directions)(generator, code)
    values, rows = map(np.asarray, found)
    np.testing.assert_allclose(rows @ rows.T, np.eye(2), atol=1e-12)
    here, *there = np.asarray(
        generator.generate(code[None] + step * np.r_[[[0, 0]], rows])
    )
    moved = np.array([np.linalg.norm(image - here) for image in there]) / step
    np.testing.assert_allclose(values, moved, rtol=1e-5)
    assert values[0] > values[1] > 0
    assert all(row[np.abs(row).argmax()] > 0 for row in rows)
    expected = inversion.condition_numbers(generator, np.asarray(code)[None])[0]
    assert float(found.condition) == pytest.approx(expected)


def test_a_code_of_another_dimension_is_refused(toy_model):
    generator = storage.load_generator(toy_model)
    with pytest.raises(ValueError, match="latent"):
        networks.singular_directions(generator, jnp.zeros(3))
