"""Minima of generators of every kind, on toys whose landscape is searched on a grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from landscapes import grid_minima, have_minima_near
from scipy import special

from jaxgan import minima, networks
from jaxgan.minima import counting
from jaxgan.minima.settling import FIRST_WIDTH
from jaxgan.networks.convolutions import transpose_convolve

KEY = jax.random.key(0)
PROVED = [minima.STATUSES.index(name) for name in ("strict", "kink")]
PRIOR_WEIGHT = 0.1


def draw(number, *shape, scale=1.0):
    return scale * jax.random.normal(jax.random.fold_in(KEY, number), shape)


# Each network, then its twin in NumPy.
def dense(params, latents, kink):
    hidden = kink(latents @ params["first"] + params["bias"][None])
    hidden = kink(hidden @ params["second"])
    return hidden @ params["last"]


def residual(params, latents, kink):
    hidden = kink(latents @ params["first"] + params["bias"][None])
    hidden = hidden + kink(hidden @ params["second"])
    return hidden @ params["last"]


def convolutional(params, latents, kink):
    hidden = kink(latents @ params["first"] + params["bias"][None])
    image = transpose_convolve(hidden.reshape(-1, 1, 1, 8), params["kernel"])
    return kink(image).reshape(len(latents), -1) @ params["last"]


def smooth(params, latents, kink):
    hidden = jax.nn.silu(latents @ params["first"] + params["bias"][None])
    return jax.nn.silu(hidden @ params["second"]) @ params["last"]


def silu(units):
    return units * special.expit(units)


def smooth_in_numpy(params, latents, kink):
    return dense_in_numpy(params, latents, silu)


def hidden_in_numpy(params, latents, kink):
    return kink(latents @ params["first"] + params["bias"])


def dense_in_numpy(params, latents, kink):
    hidden = hidden_in_numpy(params, latents, kink)
    return kink(hidden @ params["second"]) @ params["last"]


def residual_in_numpy(params, latents, kink):
    hidden = hidden_in_numpy(params, latents, kink)
    return (hidden + kink(hidden @ params["second"])) @ params["last"]


def convolutional_in_numpy(params, latents, kink):
    hidden = hidden_in_numpy(params, latents, kink)
    # One pixel becomes 2 × 2; the rest of the kernel falls on the padding.
    image = np.einsum("nf,yxcf->nyxc", hidden, params["kernel"][1:3, 1:3])
    return kink(image).reshape(len(latents), -1) @ params["last"]


PARAMS = {
    "first": draw(1, 2, 8),
    "bias": draw(2, 8),
    "second": draw(3, 8, 8, scale=0.5),
    "kernel": draw(4, 4, 4, 2, 8, scale=0.5),
    "last": draw(5, 8, 5, scale=0.7),
}
LOGITS = {
    "dense": (dense, dense_in_numpy),
    "residual": (residual, residual_in_numpy),
    "convolutional": (convolutional, convolutional_in_numpy),
    "smooth": (smooth, smooth_in_numpy),
}
OUTPUTS = {
    "tanh": (networks.TANH, np.tanh),
    "sigmoid": (networks.SIGMOID, special.expit),
    "linear": (networks.linear(-1.0, 1.0), lambda logits: logits),
}


def generator(kind, slope, output):
    """The generator, and its twin in NumPy."""
    network = networks.FinishedNetwork(LOGITS[kind][0], 2, OUTPUTS[output][0], slope)
    weights = {name: np.asarray(leaf, np.float64) for name, leaf in PARAMS.items()}

    def generate(points):
        logits = LOGITS[kind][1](
            weights, points, lambda units: np.where(units > 0, units, slope * units)
        )
        return OUTPUTS[output][1](logits)

    return networks.FinishedGenerator(network, PARAMS), generate


def target_of(output):
    low, high = OUTPUTS[output][0].low, OUTPUTS[output][0].high
    drawn = np.asarray(jax.random.uniform(jax.random.fold_in(KEY, 6), (5,)), np.float64)
    return low + (high - low) * (0.1 + 0.8 * drawn)


def slow(*case):
    return pytest.param(*case, marks=pytest.mark.slow)


def distances(points, others):
    return np.linalg.norm(points[:, None] - others, axis=2)


@pytest.mark.parametrize(
    ("kind", "slope", "output"),
    [
        slow("dense", 0.0, "tanh"),
        slow("dense", 0.1, "sigmoid"),
        slow("dense", 0.0, "linear"),
        slow("residual", 0.2, "tanh"),
        ("residual", 0.0, "linear"),
        ("convolutional", 0.0, "sigmoid"),
        slow("convolutional", 0.2, "tanh"),
        ("smooth", networks.SMOOTH, "tanh"),
    ],
)
def test_certified_minima_are_those_of_the_grid_one_for_one(kind, slope, output):
    (made, in_numpy), target = generator(kind, slope, output), target_of(output)

    def errors(points):
        return np.sum((in_numpy(points) - target) ** 2, 1)

    def values(points):
        points = np.atleast_2d(points)
        return 0.5 * (errors(points) + PRIOR_WEIGHT * np.sum(points**2, 1))

    truth = grid_minima(values, 4.0, 1601)
    starts = np.random.default_rng(0).normal(size=(100, 2)) * 2
    ends = minima.settle_many(
        made, starts, target[None], np.zeros(100, int), prior_weight=PRIOR_WEIGHT
    )
    proved = np.isin(ends.certificates.status, PROVED)
    assert proved.mean() > 0.95
    points = ends.latents[proved]
    points = points[np.abs(points).max(1) < 3.9]
    # No false one: each is the lowest point of a fine grid around it.
    _, first = np.unique(counting.cluster(points, 1e-6), return_index=True)
    axis = np.linspace(-5e-4, 5e-4, 101)
    around = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    for point in points[first]:
        lowest = around[values(point + around).argmin()]
        assert np.linalg.norm(lowest) < 2e-5
    # None is missing of those that there are with rounded corners too, where the
    # settling begins, and each of them is found once.

    def rounded(points):
        points = np.atleast_2d(points)
        with jax.enable_x64(True):
            exact, width = made.as_type(jnp.float64), jnp.asarray(FIRST_WIDTH)
            images = networks.generate_rounded(exact, jnp.asarray(points), width)
            apart = np.asarray(images) - target
        return 0.5 * (np.sum(apart**2, 1) + PRIOR_WEIGHT * np.sum(points**2, 1))

    followed = have_minima_near(rounded, truth)
    assert np.mean(followed) >= 0.5
    truth = truth[followed]
    apart = distances(truth, points[first])
    assert apart.min(1).max() < 1e-5
    assert len(set(apart.argmin(1))) == len(truth)
    scale = OUTPUTS[output][0].high - OUTPUTS[output][0].low
    expected = errors(ends.latents) / (5 * scale**2)
    np.testing.assert_allclose(ends.errors, expected, rtol=1e-7)


def test_a_generator_that_declares_no_kinks_is_not_settled():
    network = networks.FinishedNetwork(dense, 2, slope=None)
    made = networks.FinishedGenerator(network, PARAMS)
    with pytest.raises(ValueError, match="does not declare its kinks"):
        minima.settle_many(made, np.zeros((1, 2)), np.zeros((1, 5)), np.zeros(1, int))


def test_one_program_serves_all_weights_of_a_network():
    traced = []

    def logits(params, latents, kink):
        traced.append(1)
        return dense(params, latents, kink)

    network = networks.FinishedNetwork(logits, 2)
    target = target_of("tanh")[None]
    for scale in (1.0, 1.1):
        params = jax.tree.map(lambda leaf, scale=scale: scale * leaf, PARAMS)
        made = networks.FinishedGenerator(network, params)
        minima.settle_many(
            made, np.ones((4, 2)), target, np.zeros(4, int), prior_weight=0.1
        )
        if scale == 1.0:
            once = len(traced)
    assert once > 0 and len(traced) == once  # pyright: ignore
