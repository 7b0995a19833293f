"""Finished generators: a network that does not change, and weights that may."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import networks

KEY = jax.random.key(0)
PARAMS = {
    "first": jax.random.normal(jax.random.fold_in(KEY, 1), (3, 16)),
    "last": 0.3 * jax.random.normal(jax.random.fold_in(KEY, 2), (16, 6)),
}
LATENTS = jax.random.normal(jax.random.fold_in(KEY, 3), (5, 3))


def logits(params, latents, kink):
    return kink(latents @ params["first"]) @ params["last"]


GENERATOR = networks.FinishedGenerator(networks.FinishedNetwork(logits, 3), PARAMS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            lambda: networks.mlp_generator(2, (8,)),
            lambda: networks.mlp_generator(2, [8]),
        ),
        (
            lambda: networks.conv_generator(2, width=4, channels=(3, 2)),
            lambda: networks.conv_generator(2, width=4, channels=(3, 2)),
        ),
    ],
)
def test_equal_arguments_make_equal_networks(one, other):
    assert one().plain == other().plain and hash(one().plain) == hash(other().plain)
    assert one().plain != networks.mlp_generator(2, (9,)).plain


def test_a_model_that_is_loaded_twice_has_one_network():
    first, again = (jaxgan.load_generator("mnist-wgan-gp-2d") for _ in range(2))
    assert first.network == again.network
    assert jax.tree.structure(first) == jax.tree.structure(again)
    assert jax.tree.structure(first) != jax.tree.structure(GENERATOR)


def test_a_compiled_program_takes_it_as_an_argument_for_all_weights():
    traced = []

    @jax.jit
    def generate(generator, latents):
        traced.append(1)
        return generator.generate(latents)

    for scale in (1.0, 2.0):
        generator = jax.tree.map(lambda leaf, scale=scale: scale * leaf, GENERATOR)
        np.testing.assert_allclose(
            generate(generator, LATENTS), generator.generate(LATENTS), rtol=1e-5
        )
    assert traced == [1]


def test_it_is_differentiated_by_its_weights():
    def total(generator):
        return jnp.sum(generator.generate(LATENTS))

    gradient = jax.grad(total)(GENERATOR)
    assert gradient.network == GENERATOR.network
    hidden = np.asarray(LATENTS @ PARAMS["first"])
    active = np.where(hidden > 0, hidden, 0.2 * hidden)
    slopes = 1 - np.tanh(active @ np.asarray(PARAMS["last"])) ** 2
    np.testing.assert_allclose(
        gradient.params["last"], active.T @ slopes, rtol=1e-4, atol=1e-5
    )
    back = slopes @ np.asarray(PARAMS["last"]).T * np.where(hidden > 0, 1, 0.2)
    expected = np.asarray(LATENTS).T @ back
    np.testing.assert_allclose(gradient.params["first"], expected, rtol=1e-4, atol=1e-5)


def test_images_are_computed_in_the_precision_of_the_latents():
    assert GENERATOR.generate(LATENTS).dtype == jnp.float32
    with jax.enable_x64(True):
        double = GENERATOR.generate(LATENTS.astype(jnp.float64))
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, GENERATOR.generate(LATENTS), atol=1e-6)


def test_errors_are_those_of_pixels_in_the_unit_interval():
    for low, high in ((-1.0, 1.0), (0.0, 1.0), (-20.0, 20.0)):
        network = networks.FinishedNetwork(logits, 3, networks.linear(low, high))
        generator = networks.FinishedGenerator(network, PARAMS)
        gaps = (high - low) * np.array([0.1, -0.3])
        found = generator.mean_squared_error(jnp.asarray(np.sum(gaps**2)), 2)
        assert float(found) == pytest.approx(0.05)


def test_latents_are_those_of_the_declared_prior():
    def uniform(key, shape):
        return jax.random.uniform(key, shape, minval=2.0, maxval=3.0)

    network = networks.FinishedNetwork(logits, 3, draw=uniform)
    latent = networks.FinishedGenerator(network, PARAMS).draw(KEY)
    assert latent.shape == (3,) and 2 <= float(latent.min()) <= float(latent.max()) <= 3


@pytest.mark.parametrize(
    "output", [networks.TANH, networks.SIGMOID, networks.linear(-2.0, 3.0)]
)
def test_third_derivatives_are_within_their_bound(output):
    with jax.enable_x64(True):
        logits = jnp.linspace(-12, 12, 481)
        for target in np.linspace(output.low, output.high, 21):

            def error(logit, target=target):
                return 0.5 * (output.function(logit) - target) ** 2

            third = jax.vmap(jax.grad(jax.grad(jax.grad(error))))(logits)
            # At |u|, the bound is for all logits that are as large or larger.
            bound = output.third(jnp.abs(logits))
            assert (jnp.abs(third) <= bound * (1 + 1e-9) + 1e-15).all()
            assert (jnp.diff(output.third(logits[logits >= 0])) <= 0).all()
