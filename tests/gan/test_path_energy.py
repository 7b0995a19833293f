"""The penalty on dear paths, and its gradient."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import gan, networks, paths
from jaxgan.gan import path_energy
from jaxgan.paths import curves, image_metric

DIM = 3
GENERATOR = networks.mlp_generator(DIM, (8, 8), shape=(6,))
PATHS = gan.path_energy_penalty(
    GENERATOR, pairs=4, renewed=1, segments=4, steps=3, folding_latents=16
)
TRACES = []


def counted(params, key, memory):
    TRACES.append(1)
    return PATHS.apply(params, key, memory)


apply = jax.jit(jax.value_and_grad(counted, has_aux=True))


def test_one_trace_serves_all_uses_and_pairs_are_drawn_anew_in_turn():
    params, memory, seen = GENERATOR.init(jax.random.key(4)), PATHS.init(), []
    before = len(TRACES)
    for number in range(5):
        (_, memory), _ = apply(params, jax.random.key(number), memory)
        seen.append(np.asarray(memory.paths[:, 0]))
    assert len(TRACES) - before <= 1
    changed = [
        np.nonzero((a != b).any(1))[0].tolist()
        for a, b in zip(seen, seen[1:], strict=False)
    ]
    assert changed == [[1], [2], [3], [0]]


def test_jit_changes_nothing():
    params = GENERATOR.init(jax.random.key(4))
    latents = jax.random.normal(jax.random.key(0), (16, DIM))
    walks = path_energy.redraw(jax.random.key(1), PATHS.init(), 1)
    shares = jax.random.uniform(jax.random.key(2), (4, 4))

    def scores(params):
        generate = folded(params, latents)
        return gan.log_rho(generate, walks.paths, shares)

    np.testing.assert_allclose(scores(params), jax.jit(scores)(params), rtol=1e-4)


PAIRS = 3


class Landscape(NamedTuple):
    """Weights, a direction, latents to fold with and straight paths, in doubles."""

    params: object
    direction: object
    latents: jax.Array
    walks: path_energy.Walks


@pytest.fixture(scope="module")
def landscape():
    single = GENERATOR.init(jax.random.key(1))
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: 1.5 * p.astype(jnp.float64), single)
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(jax.random.key(2), len(leaves))
        direction = [
            jax.random.normal(k, x.shape, x.dtype)
            for k, x in zip(keys, leaves, strict=True)
        ]
        latents = jax.random.normal(jax.random.key(3), (32, DIM), jnp.float64)
        empty = path_energy.Walks(
            jnp.zeros((PAIRS, 7, DIM), jnp.float64),
            jnp.zeros((DIM, DIM), jnp.float64),
            jnp.zeros((), jnp.int32),
        )
        walks = path_energy.redraw(jax.random.key(5), empty, 1)
    return Landscape(params, jax.tree.unflatten(tree, direction), latents, walks)


def folded(params, latents):
    return GENERATOR.fold(params, latents).generate


@jax.jit
def settled(params, latents, walks):
    return path_energy.advance(GENERATOR.fold(params, latents), walks, 200)


def middle_scores(params, latents, found):
    half = jnp.full((PAIRS, found.shape[1] - 1), 0.5, found.dtype)
    return gan.log_rho(folded(params, latents), found, half)


def with_images_held(params, latents, found):
    """The same scores, but with no gradient through the images at the ends."""
    generate = folded(params, latents)

    def one(path):
        a, b = jax.lax.stop_gradient(generate(path[jnp.array([0, -1])]))
        energy = paths.path_energy(image_metric(generate, a, b), path)
        square = jnp.sum((a - b) ** 2) * jnp.sum((path[0] - path[-1]) ** 2) / 2
        return jnp.log(energy / square)

    return jax.vmap(one)(found)


def test_the_envelope_gradient_is_that_of_the_minimum(landscape):
    params, direction, latents, walks = landscape

    def along(score, found):
        """Derivative along the direction, the paths held fixed."""

        def value(params):
            return jnp.mean(score(params, latents, found))

        return float(jax.jit(lambda: jax.jvp(value, (params,), (direction,)))()[1])

    with jax.enable_x64(True):
        best = settled(params, latents, walks)
        envelope = along(middle_scores, best.paths)
        on_lines = along(middle_scores, walks.paths)
        held = along(with_images_held, best.paths)
        step, least = 1e-4, []
        for size in (step, -step):
            moved = jax.tree.map(lambda p, v, h=size: p + h * v, params, direction)
            again = settled(moved, latents, best)
            least.append(jnp.mean(middle_scores(moved, latents, again.paths)))
        difference = float(least[0] - least[1]) / (2 * step)
    assert envelope == pytest.approx(difference, rel=1e-3)
    # Neither lines nor fixed images give the derivative of the minimum.
    assert abs(on_lines - difference) > 0.05 * abs(difference)
    assert abs(held - difference) > 0.05 * abs(difference)


def test_the_penalty_differentiates_nothing_but_the_energy_of_its_paths():
    params = GENERATOR.init(jax.random.key(4))
    key, memory = jax.random.key(6), PATHS.init()
    (value, walks), gradient = apply(params, key, memory)
    fold_key, _, share_key = jax.random.split(key, 3)
    latents = jax.random.normal(fold_key, (16, DIM))
    shares = jax.random.uniform(share_key, (4, 4))

    def again(params):
        generate = folded(params, latents)
        return jnp.mean(gan.log_rho(generate, walks.paths, shares))

    expected, slope = jax.jit(jax.value_and_grad(again))(params)
    assert value == pytest.approx(float(expected), rel=1e-6)
    for one, other in zip(
        jax.tree.leaves(gradient), jax.tree.leaves(slope), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_paths_carry_no_derivative_from_one_use_to_the_next():
    """What the minimiser does is held fixed: the weights move no path."""
    params = GENERATOR.init(jax.random.key(4))

    def walked(params):
        walks = PATHS.apply(params, jax.random.key(6), PATHS.init())[1]
        return walks.paths, walks.curvature

    ones = jax.tree.map(jnp.ones_like, params)
    _, tangents = jax.jit(lambda p, v: jax.jvp(walked, (p,), (v,)))(params, ones)
    assert not any(jnp.any(each) for each in tangents)


def test_contrast_has_no_slope():
    """With images that scale, ends included, log ρ is the same."""
    generate = folded(GENERATOR.init(jax.random.key(4)), jnp.eye(DIM))
    walks = path_energy.redraw(jax.random.key(1), PATHS.init(), 1)
    shares = jax.random.uniform(jax.random.key(2), (4, 4))

    def score(contrast):
        scaled = lambda latents: contrast * generate(latents)  # noqa: E731
        return jnp.mean(gan.log_rho(scaled, walks.paths, shares))

    assert abs(float(jax.jit(jax.grad(score))(1.0))) < 1e-4


def test_jittered_quadrature_is_unbiased_for_the_polygon(landscape):
    params, _, latents, walks = landscape
    with jax.enable_x64(True):
        found = settled(params, latents, walks).paths

        @jax.jit
        def ratios():
            shares = jax.random.uniform(jax.random.key(0), (2000, *found.shape[:2]))
            shares = shares[..., 1:].astype(found.dtype)
            score = partial(gan.log_rho, folded(params, latents), found)
            fine = jax.vmap(lambda path: curves.subdivide(path, 64))(found)
            return jnp.exp(jax.vmap(score)(shares)), jnp.exp(
                middle_scores(params, latents, fine)
            )

        drawn, exact = map(np.asarray, ratios())
    error = drawn.std(0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(0) - exact) < 4 * error).all()


def test_an_affine_generator_has_the_known_score():
    affine = networks.mlp_generator(
        DIM, (), shape=(6,), output=networks.linear(-1.0, 1.0)
    )
    params = affine.init(jax.random.key(0))
    options = {"pairs": 2, "renewed": 1, "segments": 64}
    lines = gan.path_energy_penalty(affine, steps=0, **options)
    value, walks = lines.apply(params, jax.random.key(1), lines.init())
    known = 2 * np.log((np.sqrt(2) + np.arcsinh(1)) / 2)
    assert value == pytest.approx(known, abs=2e-2)
    # Neither its scale nor that of the images matters.
    scaled = jax.tree.map(lambda p: 3 * p, params)
    again, _ = lines.apply(scaled, jax.random.key(1), lines.init())
    assert again == pytest.approx(float(value), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": 2, "renewed": 3}, "renewed must be in 1…pairs, got 3 of 2"),
        ({"segments": 1}, "segments and folding_latents must be ≥ 2"),
    ],
)
def test_numbers_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        gan.path_energy_penalty(GENERATOR, **options)
