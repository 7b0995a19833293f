"""Lines, turns and refined paths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import wavy

from jaxgan import paths
from jaxgan.paths import curves

pytestmark = pytest.mark.usefixtures("in_double")


def test_slerp_turns_at_constant_speed_and_lines_do_not_turn():
    a, b = jnp.array([2.0, 0, 0]), jnp.array([0, 1.0, 1.0])
    slerp = jax.jit(paths.slerp, static_argnums=2)
    turned = np.asarray(slerp(a, b, 6))
    np.testing.assert_allclose(turned[[0, 6]], [a, b])
    norms = np.linalg.norm(turned, axis=1)
    np.testing.assert_allclose(norms, np.linspace(2, np.sqrt(2), 7), rtol=1e-12)
    units = turned / norms[:, None]
    angles = np.arccos(np.sum(units[1:] * units[:-1], 1))
    np.testing.assert_allclose(angles, np.pi / 12, rtol=1e-9)
    np.testing.assert_allclose(slerp(a, 3 * a, 6), paths.line(a, 3 * a, 6), rtol=1e-12)
    assert not np.isfinite(slerp(a, -a, 6)[1:-1]).any()


def test_prolongation_is_exact_on_cubics_and_equal_speed_is_equal():
    times = np.linspace(0, 1, 9)[:, None]

    def cubic(t):
        return np.concatenate([t**3 - t, 2 * t**2, 1 + t], 1)

    finer, prolong = np.linspace(0, 1, 17)[:, None], jax.jit(curves.prolong)
    np.testing.assert_allclose(
        prolong(jnp.asarray(cubic(times))), cubic(finer), atol=1e-13
    )
    assert prolong(jnp.asarray(times[:3])).shape == (5, 1)
    at = np.linspace(0, 1, 2001) ** 2
    columns = [np.interp(at, finer[:, 0], column) for column in cubic(finer).T]
    path = jnp.asarray(np.stack(columns, 1))

    @jax.jit
    def length(segment):
        return paths.path_length(wavy.metric, curves.subdivide(segment, 50))

    even = jax.jit(paths.at_equal_speed, static_argnums=(0, 2))(wavy.metric, path, 20)
    lengths = [float(length(even[i : i + 2])) for i in range(20)]
    np.testing.assert_allclose(lengths, np.mean(lengths), rtol=0.02)
    np.testing.assert_array_equal(even[-1], path[-1])
