from typing import Any

import closed_forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kinks import undeclared

from jaxgan import inversion, load_generator, networks

KEY = jax.random.key(0)
DIM = 3
NETWORK = networks.mlp_generator(DIM, (8, 16), batch_norm=False)
# Large weights: three quarters of the pixels saturate.
PARAMS = jax.tree.map(lambda p: 4.0 * p, NETWORK.init(jax.random.key(1)))
GENERATOR = networks.FinishedGenerator(NETWORK.plain, PARAMS)
CODES = np.asarray(jax.random.normal(jax.random.key(2), (12, DIM)), np.float64)


def in_double(function, *arguments: Any):
    with jax.enable_x64(True):
        return np.asarray(function(*map(jnp.asarray, arguments)))


IMAGES = in_double(GENERATOR.generate, CODES)


@pytest.fixture(scope="module")
def found():
    return inversion.recover(KEY, GENERATOR, IMAGES)


def test_codes_are_recovered_to_the_last_digits(found):
    assert np.mean(np.abs(IMAGES) > 0.999) > 0.5
    assert found.exact.all() and (found.errors < 1e-28).all()
    np.testing.assert_allclose(found.latents, CODES, rtol=0, atol=1e-9)
    assert set(found.starts) <= {2, 4, 6, 8, 10, 12, 14, 16}


def test_codes_are_those_of_the_closed_form(found):
    layers = networks.layers_of(GENERATOR)
    exact = [
        closed_forms.code_of_expansive_generator(
            layers, image.reshape(-1), networks.NEGATIVE_SLOPE
        )
        for image in IMAGES
    ]
    np.testing.assert_allclose(found.latents, exact, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_the_error_of_pixels_alone_misses_some():
    generator = load_generator("mnist-wgan-gp-expansive")
    codes = np.asarray(jax.random.normal(KEY, (10, generator.latent_dim)), np.float64)
    images = in_double(generator.generate, codes)
    found = inversion.recover(KEY, generator, images, num_starts=2)
    plain = inversion.invert_many(
        KEY,
        undeclared(generator),
        jnp.asarray(images, jnp.float32),
        num_starts=2,
        double_steps=0,
    )
    lengths = np.linalg.norm(codes, axis=1)
    missed = np.linalg.norm(found.latents - codes, axis=1) > 1e-6 * lengths
    missed_plainly = np.linalg.norm(plain.best() - codes, axis=1) > 1e-2 * lengths
    assert missed.sum() <= 1 and missed_plainly.sum() >= 4


@pytest.mark.slow
def test_what_is_found_depends_on_no_other_image(found):
    fewer = inversion.recover(KEY, GENERATOR, IMAGES[:3])
    np.testing.assert_array_equal(fewer.starts, found.starts[:3])
    np.testing.assert_allclose(fewer.latents, found.latents[:3], rtol=0, atol=1e-9)


def test_an_image_of_another_generator_is_not_exact():
    strange = np.clip(IMAGES[:2] + 0.3, -1, 1)
    found = inversion.recover(KEY, GENERATOR, strange, num_starts=3)
    assert not found.exact.any() and (found.errors > 1e-6).all()
    np.testing.assert_array_equal(found.starts, 3)
    images = in_double(GENERATOR.generate, found.latents)
    errors = np.mean(((images - strange) / 2) ** 2, (1, 2, 3))
    np.testing.assert_allclose(found.errors, errors, rtol=1e-9)


def test_conditions_are_those_of_finite_differences():
    step = 1e-6
    columns = [
        in_double(GENERATOR.generate, CODES[:4] + step * unit)
        - in_double(GENERATOR.generate, CODES[:4] - step * unit)
        for unit in np.eye(DIM)
    ]
    jacobians = np.stack(columns, -1).reshape(4, -1, DIM)
    np.testing.assert_allclose(
        inversion.condition_numbers(GENERATOR, CODES[:4]),
        np.linalg.cond(jacobians),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(np.float32), "double precision in .-1, 1., got float32"),
        (2 * IMAGES, "from -2 to 2"),
        (np.nan * IMAGES, "from nan to nan"),
    ],
)
def test_images_that_cannot_be_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        inversion.recover(KEY, GENERATOR, images)


def test_a_generator_without_tanh_is_refused():
    network = NETWORK.plain._replace(output=networks.SIGMOID)
    generator = networks.FinishedGenerator(network, PARAMS)
    with pytest.raises(ValueError, match="whose output is tanh"):
        inversion.recover(KEY, generator, IMAGES)
