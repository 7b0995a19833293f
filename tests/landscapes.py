"""Toy generators, and the landscape of an image's error over their codes."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from jaxgan import networks


def toy(seed, latent_dim=2, widths=(6, 8), pixels=5):
    """A network, a small generator with random biases, and a target."""
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
    generator = networks.FinishedGenerator(network.plain, params)
    return network, generator, np.asarray(target, np.float64)


def objective(generator, target, prior_weight, width=0.0):
    """½‖G(z) − x‖² + ½κ‖z‖² in NumPy, written again, with corners of any width."""
    affine = networks.layers_of(generator)
    layers = [np.asarray(w, np.float64) for w in affine.kernels]
    biases = [np.asarray(b, np.float64) for b in affine.biases]

    def value(points):
        points = np.atleast_2d(points)
        h = points
        slope = networks.NEGATIVE_SLOPE
        for kernel, bias in zip(layers[:-1], biases[:-1], strict=True):
            h = h @ kernel + bias
            h = slope * h + (1 - slope) * (h + np.sqrt(h * h + width * width)) / 2
        h = np.tanh(h @ layers[-1] + biases[-1])
        prior = prior_weight * np.sum(points**2, 1)
        return 0.5 * (np.sum((h - target) ** 2, 1) + prior)

    return value


def grid_minima(values, half_width, size):
    """All strict minima on a fine grid over a square, refined without derivatives.

    The first steps are of 5 %, which leads out of the narrowest basins.
    """
    lowest, _ = _lowest(values, half_width, size, np.zeros(2))
    return _refined(values, lowest, None)


def minima_near(values, centre, half_width, size):
    """Strict minima on a fine grid around a point, refined in steps of the grid."""
    lowest, spacing = _lowest(values, half_width, size, centre)
    return _refined(values, lowest, spacing * np.array([[0, 0], [1, 0], [0, 1]]))


def have_minima_near(values, points):
    """Whether there is a strict minimum within 0.03 of each point, along the axes."""
    return [len(minima_near(values, point, 0.03, 61)) > 0 for point in points]


def _lowest(values, half_width, size, centre):
    axis = np.linspace(-half_width, half_width, size)
    grid = centre + np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    found = np.stack([values(row) for row in grid])
    inner = found[1:-1, 1:-1]
    lowest = np.ones_like(inner, bool)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                moved = found[1 + i : size - 1 + i, 1 + j : size - 1 + j]
                lowest &= inner < moved
    return grid[1:-1, 1:-1][lowest], axis[1] - axis[0]


def _refined(values, starts, corners):
    refined = []
    for start in starts:
        end = optimize.minimize(
            lambda z: values(z[None])[0],
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": None if corners is None else start + corners,
                "xatol": 1e-10,
                "fatol": 1e-15,
                "maxiter": 4000,
            },
        )
        if not any(np.linalg.norm(end.x - other) < 1e-4 for other in refined):
            refined.append(end.x)
    return np.array(refined)
