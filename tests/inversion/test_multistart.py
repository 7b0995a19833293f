"""The codes of one image, found by a pure function inside another program."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from landscapes import toy

from jaxgan import inversion, networks
from jaxgan.inversion import one_start

KEY = jax.random.key(0)
IMAGES = 3
OPTIONS: dict[str, Any] = {"num_starts": 4, "bank_size": 50}
KAPPA = 1e-3
NETWORK, GENERATOR, TARGET = toy(0)
# Images that the generator makes: their codes are on no kink, where steps end exactly.
TARGETS = np.asarray(GENERATOR.generate(jax.random.normal(KEY, (IMAGES, 2))))
traces = []


def codes(key, params, target, prior_weight, number):
    """A program of the user's own around `invert`."""
    traces.append(number)
    generator = networks.FinishedGenerator(NETWORK.plain, params)
    return inversion.invert(
        key, generator, target, prior_weight=prior_weight, number=number, **OPTIONS
    )


EVERY = jax.jit(jax.vmap(codes, (0, 0, 0, 0, 0)))


def repeated(tree):
    """A tree of arrays, once for each image."""
    return jax.tree.map(lambda leaf: jnp.stack([leaf] * IMAGES), tree)


def given(targets, dtype):
    """What `EVERY` takes, the same key, weights and κ for all images."""
    return (
        repeated(KEY),
        repeated(GENERATOR.params),
        jnp.asarray(targets, dtype),
        jnp.full(IMAGES, KAPPA, dtype),
        jnp.arange(IMAGES),
    )


@pytest.fixture(scope="module")
def driven():
    """What the driver finds."""
    found = inversion.invert_many(
        KEY, GENERATOR, jnp.asarray(TARGETS), prior_weight=KAPPA, **OPTIONS
    )
    assert found.finished.all()
    return found


def test_images_in_one_program_get_the_codes_that_the_driver_finds(driven):
    with jax.enable_x64(True):
        found = EVERY(*given(TARGETS, jnp.float64))
    assert found.latents.dtype == jnp.float64 and bool(found.finished.all())
    assert np.allclose(found.latents, driven.latents, rtol=0, atol=1e-6)
    assert np.allclose(found.errors, driven.errors, rtol=0, atol=1e-8)


def test_single_precision_finds_them_to_its_own_accuracy(driven):
    found = EVERY(*given(TARGETS, jnp.float32))
    assert found.latents.dtype == jnp.float32
    assert np.allclose(found.errors, driven.errors, rtol=0, atol=1e-6)
    best = found.errors.argmin(1)
    assert np.array_equal(
        jax.vmap(inversion.Codes.best)(found), found.latents[np.arange(IMAGES), best]
    )


def test_keys_weights_and_priors_may_differ_and_nothing_is_traced_again():
    """Each image alone gives what it gives among others."""
    keys = jax.random.split(KEY, IMAGES)
    scales = jnp.array([1.0, 0.9, 1.1])
    params = jax.vmap(lambda s: jax.tree.map(lambda p: s * p, GENERATOR.params))(scales)
    same = given(TARGETS, jnp.float32)
    EVERY(*same)
    before = len(traces)
    mixed = keys, params, same[2], jnp.array([0.0, 0.03, 0.3]), jnp.array([5, 0, 2])
    found = EVERY(*mixed)
    for i in range(IMAGES):
        one = jax.tree.map(lambda leaf, i=i: jnp.stack([leaf[i]] * IMAGES), mixed)
        alone = EVERY(*one)
        assert np.allclose(found.latents[i], alone.latents[0], rtol=0, atol=1e-5)
    assert len(traces) == before


def test_an_error_of_zero_is_finished_at_once():
    network = networks.mlp_generator(2, (8,), shape=(5,), batch_norm=False)
    params = network.init(jax.random.key(0))
    generator = networks.FinishedGenerator(network.plain, params)
    start = np.zeros((1, 1, 2))  # biases are 0, and so is the image
    found = inversion.invert_from(generator, start, np.zeros((1, 5)))
    assert found.errors == 0 and found.finished.all() and not found.steps.any()
    best = one_start.search(
        generator,
        jnp.zeros(2),
        jnp.zeros(5),
        0.0,
        corners=None,
        max_steps=40,
        tolerance=1e-4,
    )
    assert best.value == 0 and best.finished


def test_the_last_width_is_the_least_however_few_rounds_there_are():
    for steps in (1, 5, 6, 40):
        assert one_start.widths(one_start.CORNERS, steps)[-1] == pytest.approx(0.01)
    assert not len(one_start.widths(one_start.CORNERS, 0))


def test_the_corners_of_the_search_are_those_that_are_asked_for():
    """Without a second step the last width decides; None is the network itself."""
    target = jnp.asarray(TARGET, jnp.float32)[None]
    start = np.asarray(jax.random.normal(KEY, (1, 1, GENERATOR.latent_dim)))

    def found(generator, corners):
        options = {"corners": corners, "max_steps": 1, "double_steps": 0}
        return inversion.invert_from(generator, start, target, **options).latents

    sharp, wide = found(GENERATOR, (1.0, 1e-6)), found(GENERATOR, (1.0, 0.5))
    np.testing.assert_allclose(found(GENERATOR, None), sharp, atol=1e-4)
    assert np.abs(wide - sharp).max() > 1e-3
    smooth = networks.round_corners(GENERATOR, 0.5)
    np.testing.assert_allclose(found(smooth, None), wide, atol=1e-4)
    for corners in ((1.0, 0.0), (np.inf, 1.0)):
        with pytest.raises(ValueError, match="corners must be two widths above 0"):
            found(GENERATOR, corners)
        with pytest.raises(ValueError, match="corners must be two widths above 0"):
            inversion.invert(KEY, GENERATOR, target[0], num_starts=1, corners=corners)


def test_bad_input_is_refused():
    target = jnp.asarray(TARGET, jnp.float32)
    with pytest.raises(ValueError, match="num_starts must be ≥ 1, got 0"):
        inversion.invert(KEY, GENERATOR, target, num_starts=0)
    for weight in (-1.0, np.nan):
        with pytest.raises(ValueError, match=f"prior_weight must be ≥ 0, got {weight}"):
            inversion.invert(KEY, GENERATOR, target, num_starts=1, prior_weight=weight)
