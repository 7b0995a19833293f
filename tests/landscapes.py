"""Toy generators, and the landscape of an image's error over their codes."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from jaxgan import networks


def toy(seed, latent_dim=2, widths=(6, 8), pixels=5):
    """A small generator with random biases, in double precision, and a target."""
    network = networks.mlp_generator(
        latent_dim, widths, shape=(pixels,), batch_norm=False
    )

    @jax.jit
    def draw(key, other):
        keys = iter(jax.random.split(other, 100))
        params = jax.tree.map(
            lambda p: p + 0.5 * jax.random.normal(next(keys), p.shape),
            network.init(key),
        )
        return params, 0.8 * jnp.tanh(jax.random.normal(next(keys), (pixels,)))

    params, target = draw(jax.random.key(seed), jax.random.key(seed + 1000))
    return network, params, np.asarray(target, np.float64)


def layers_in_double(params):
    return jax.tree.map(
        lambda w: jnp.asarray(w, jnp.float64), networks.layers_of(params)
    )


def objective(params, target, prior_weight):
    """½‖G(z) − x‖² + ½κ‖z‖² in NumPy, written again."""
    layers = [np.asarray(w, np.float64) for w in networks.layers_of(params).kernels]
    biases = [np.asarray(b, np.float64) for b in networks.layers_of(params).biases]

    def value(points):
        points = np.atleast_2d(points)
        h = points
        for kernel, bias in zip(layers[:-1], biases[:-1], strict=True):
            h = h @ kernel + bias
            h = np.maximum(h, networks.NEGATIVE_SLOPE * h)
        h = np.tanh(h @ layers[-1] + biases[-1])
        prior = prior_weight * np.sum(points**2, 1)
        return 0.5 * (np.sum((h - target) ** 2, 1) + prior)

    return value


def exhaustive_minima(value, half_width, size):
    """All strict minima of a fine grid, refined without derivatives.

    The first steps are of 5 %, which leads out of the narrowest basins.
    """
    return _refined(value, _lowest(value, half_width, size, np.zeros(2))[0], None)


def minima_near(value, centre, half_width, size):
    """Strict minima of a fine grid around a point, refined in steps of the grid."""
    lowest, spacing = _lowest(value, half_width, size, centre)
    return _refined(value, lowest, spacing * np.array([[0, 0], [1, 0], [0, 1]]))


def _lowest(value, half_width, size, centre):
    axis = np.linspace(-half_width, half_width, size)
    grid = centre + np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    values = np.stack([value(row) for row in grid])
    inner = values[1:-1, 1:-1]
    lowest = np.ones_like(inner, bool)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                moved = values[1 + i : size - 1 + i, 1 + j : size - 1 + j]
                lowest &= inner < moved
    return grid[1:-1, 1:-1][lowest], axis[1] - axis[0]


def _refined(value, starts, corners):
    found = []
    for start in starts:
        end = optimize.minimize(
            lambda z: value(z)[0],
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": None if corners is None else start + corners,
                "xatol": 1e-10,
                "fatol": 1e-15,
                "maxiter": 4000,
            },
        )
        if not any(np.linalg.norm(end.x - other) < 1e-4 for other in found):
            found.append(end.x)
    return np.array(found)
