"""What the library says of arguments that cannot be: expected and found, in words."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import gan, inversion, minima, networks, paths, training

KEY = jax.random.key(0)
NETWORK = networks.mlp_generator(2, (16,), batch_norm=False)
PARAMS: Any = NETWORK.init(KEY)
GENERATOR = networks.FinishedGenerator(NETWORK.plain, PARAMS)
CODES: Any = np.array([[0.5, -0.3], [1.0, 2.0]])
IMAGES: Any = np.asarray(GENERATOR.generate(jnp.asarray(CODES, jnp.float32)))
UNIT = np.zeros_like(IMAGES)
UNIT[:, 5:9] = 0.9  # black and nearly white, in [0, 1]

ENGINES = {
    "invert": lambda generator, images: inversion.invert(
        KEY, generator, images[0], num_starts=2, bank_size=0
    ),
    "invert_many": lambda generator, images: inversion.invert_many(
        KEY, generator, images, num_starts=2, bank_size=0
    ),
    "invert_from": lambda generator, images: inversion.invert_from(
        generator, CODES[:, None], images
    ),
    "follow_recipe": lambda generator, images: inversion.follow_recipe(
        KEY, generator, inversion.RECIPES["csgm"], images, budget=1
    ),
    "settle_many": lambda generator, images: minima.settle_many(
        generator, CODES, images, np.arange(2)
    ),
}
WRONG = {
    "uint8": ((127.5 * (IMAGES + 1)).astype(np.uint8), "pixels from 0 to 255"),
    "0 to 255": (127.5 * (IMAGES + 1), "pixels from -1 to 1, .* got "),
    "0 to 1": (UNIT, "pixels from -1 to 1, .* got 0 to 0.9: 2x − 1"),
    "NaN": (np.nan * IMAGES, "pixels from -1 to 1, .* got nan"),
    "whole numbers": (IMAGES.astype(int), "28, 28, 1. of floating-point .* got int"),
    "no channel": (IMAGES[..., 0], "28, 28, 1. .* got float32 .*28, 28."),
    "flat": (IMAGES.reshape(2, -1), "28, 28, 1. .* got float32 .*784."),
    "too large": (np.zeros((2, 32, 32, 1)), "28, 28, 1. .* got float64 .*32, 32, 1."),
    "words": (["one", "two"], "expected targets? to be an array, got (list|str)"),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_targets_that_are_no_images_of_the_generator_are_refused(unchecked, engine):
    for images, message in WRONG.values():
        with pytest.raises(ValueError, match=message):
            ENGINES[engine](GENERATOR, images)
    with pytest.raises(ValueError, match="a networks.FinishedGenerator, got dict: gan"):
        ENGINES[engine](PARAMS, IMAGES)
    if engine != "invert":
        with pytest.raises(ValueError, match="targets are empty: got float32 .0, 28"):
            ENGINES[engine](GENERATOR, IMAGES[:0])


def test_shapes_are_looked_at_inside_other_programs_too(unchecked):
    def code(image):
        return inversion.invert(KEY, GENERATOR, image, num_starts=2).best()

    for transformed in (jax.jit(code), jax.vmap(code)):
        with pytest.raises(ValueError, match="expected target .28, 28, 1. of"):
            transformed(IMAGES[..., 0])


def test_images_to_recover_are_those_of_the_generator(unchecked):
    exact = IMAGES.astype(np.float64)
    for images in (IMAGES, exact[:0], exact.reshape(2, -1)):
        with pytest.raises(
            ValueError, match="n ≥ 1, 28, 28, 1. in double .* got float"
        ):
            inversion.recover(KEY, GENERATOR, images)
    with pytest.raises(ValueError, match="FinishedGenerator, got dict"):
        inversion.recover(KEY, PARAMS, exact)


def test_points_to_settle_have_an_image_each(unchecked):
    for latents, owners, message in (
        (CODES[:, :1], [0, 1], "expected latents .n, 2. .* got float64 .2, 1."),
        (CODES.astype(int), [0, 1], "got int64"),
        (CODES[:0], [], "latents are empty"),
        (CODES, [0], "expected owners .2. of whole numbers, got int64 .1."),
        (CODES, [0, 2], "expected owners in 0…1, got 0 to 2"),
        (np.array([[1.0, 2.0], [0.0, np.nan]]), [0, 1], "latents: row 1 is not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            minima.settle_many(GENERATOR, latents, IMAGES, np.array(owners, int))


def test_codes_of_paths_are_floating_point_numbers_of_one_shape(unchecked):
    metrics = paths.between_images(GENERATOR)
    for one, other, message in (
        (CODES[0].astype(int), CODES[1], "expected code_a .latent. of .* got int"),
        (CODES, CODES, "expected code_a .latent. .* got float64 .2, 2."),
        (CODES[0], CODES[1, :1], "of one shape, got .2,. and .1,."),
    ):
        with pytest.raises(ValueError, match=message):
            paths.minimise(metrics, one, other, (IMAGES[0], IMAGES[1]))
    with pytest.raises(ValueError, match="items of 2 pairs, got an array .1, 28"):
        paths.minimise_many(metrics, CODES, CODES, (IMAGES[:1], IMAGES[:1]))
    no_family: Any = GENERATOR
    with pytest.raises(ValueError, match="a paths.MetricFamily, got FinishedGenerator"):
        paths.minimise_many(no_family, CODES, CODES, (IMAGES, IMAGES))
    with pytest.raises(ValueError, match="codes_a are empty"):
        paths.minimise_many(metrics, CODES[:0], CODES[:0], (IMAGES[:0], IMAGES[:0]))
    with pytest.raises(ValueError, match="FinishedGenerator, got dict"):
        paths.between_images(PARAMS)


def test_what_can_be_latents_is_taken_in_silence(unchecked):
    latents: Any
    for latents in (CODES, CODES.tolist(), jnp.asarray(CODES, jnp.float32)):
        np.testing.assert_allclose(GENERATOR.generate(latents), IMAGES, atol=1e-6)
    for latents in (np.zeros((3, 2), int), np.zeros((3, 3)), CODES[0], CODES > 0):
        with pytest.raises(ValueError, match="latents .n, 2. of floating-point .* got"):
            GENERATOR.generate(latents)


def test_a_generator_is_shown_without_its_weights():
    assert "13,376 weights" in repr(GENERATOR) and len(repr(GENERATOR)) < 500


def test_statistics_of_one_row_are_refused():
    generator = networks.mlp_generator(2, (8, 8), shape=(3,))
    params = generator.init(KEY)
    one = jnp.ones((1, 2))
    for call in (
        lambda: generator.apply(params, one),
        lambda: jax.jit(generator.apply)(params, one),
        lambda: jax.vmap(lambda z: generator.apply(params, z[None]))(jnp.ones((4, 2))),
        lambda: generator.fold(params, one),
    ):
        with pytest.raises(ValueError, match="at least two rows, got 1: fold the"):
            call()
    folded = generator.fold(params, jax.random.normal(KEY, (9, 2)))
    assert folded.generate(one).shape == (1, 3)


@jax.numpy_dtype_promotion("standard")  # optax needs it
def test_examples_to_train_on_are_like_those_of_the_generator(unchecked):
    generator = networks.mlp_generator(2, (8, 8), shape=(3,))
    wgan = gan.wgan_gp(generator, networks.mlp_critic((8,), shape=(3,)))

    def train(examples, batch_size=4):
        state = jax.eval_shape(wgan.init, KEY)

        def steps(state, examples):
            return training.run_steps(wgan, state, examples, 1, batch_size=batch_size)

        return jax.eval_shape(steps, state, examples)

    assert train(jnp.zeros((8, 3)))[0].step.shape == ()
    assert train(jnp.zeros((8, 3), jnp.uint8))[0].step.shape == ()
    for examples, got in (
        (jnp.zeros((8, 3), jnp.int32), "got int32 .3."),
        (jnp.zeros((8, 3), bool), "got bool .3."),
        (jnp.zeros((8, 4)), "got float32 .4."),
        (jnp.zeros((8, 1, 3)), "got float32 .1, 3."),
        ((jnp.zeros((8, 3)), jnp.zeros(8)), "got float32 .3. and float32 .."),
    ):
        with pytest.raises(ValueError, match=f"numbers .3. each, {got}"):
            train(examples)
    with pytest.raises(ValueError, match="at least two rows"):
        train(jnp.zeros((8, 3)), batch_size=1)
    for examples, message in (
        (None, "arrays of one length, got none"),
        ((jnp.zeros((8, 3)), jnp.zeros(7)), "arrays of one length, got .8, 3., .7."),
        (jnp.zeros((0, 3)), "the data are empty: got .0, 3."),
    ):
        with pytest.raises(ValueError, match=message):
            train(examples)
