"""Random starts of the search for a path."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths
from jaxgan.paths import starts

pytestmark = pytest.mark.usefixtures("in_double")

KEY = jax.random.key(0)


def test_amplitudes_of_bows_depend_on_pair_and_start_only():
    draw = jax.jit(paths.draw_bows, static_argnums=(2, 3))
    many = np.asarray(draw(KEY, jnp.zeros((5, 3)), 4, 0))
    few = draw(KEY, jnp.zeros((2, 3)), 2, 3)
    np.testing.assert_array_equal(many[3:, :2], few)
    assert (many[:, 0] == 0).all() and (many[:, 1:] != 0).all()
    begin = jax.jit(starts.starting_paths, static_argnums=2)
    begun = begin(jnp.zeros((5, 3)), jnp.ones((5, 3)), 8, many)
    np.testing.assert_allclose(np.asarray(begun)[:, :, -1], 1, rtol=1e-12)
