"""An encoder that is trained beside the generator."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import gan, networks, training

DIM, PIXELS = 3, 6
AFFINE = networks.mlp_generator(
    DIM, (), shape=(PIXELS,), output=networks.linear(-1.0, 1.0)
)
INVERSE = networks.mlp_encoder(DIM, (), shape=(PIXELS,))
KEY = jax.random.key(0)
NO_STEP = jnp.asarray(0)
SGD = optax.sgd(1e-2)
DATA = jax.random.normal(jax.random.key(1), (40, PIXELS))


def encoder_of(matrix, bias):
    """Return weights of an affine encoder with this matrix [pixels, latent]."""
    blank = jax.tree.map(jnp.zeros_like, INVERSE.init(KEY))
    return {**blank, "location": {"kernel": jnp.asarray(matrix), "bias": bias}}


def loss_of(params, encoder, examples, *, image_weight=10.0):
    """The two errors, by the formula, for an affine generator."""
    kernel, bias = params["output"]["kernel"], params["output"]["bias"]
    latents = jax.random.normal(jax.random.fold_in(KEY, 0), (len(examples), DIM))
    to_code, shift = encoder["location"]["kernel"], encoder["location"]["bias"]
    bias, shift = bias[None], shift[None]
    codes = (latents @ kernel + bias) @ to_code + shift
    images = (examples @ to_code + shift) @ kernel + bias
    errors = jnp.mean((codes - latents) ** 2), jnp.mean((images - examples) ** 2)
    return errors[0] + image_weight * errors[1], errors


def added(params, encoder, examples, **options):
    """What is added to a gradient of zero in the first step, and the state after it."""
    options = {"optimizer": SGD, **options}
    along = gan.encoder_regulariser(AFFINE, INVERSE, **options)
    state = along.init(KEY)._replace(encoder=encoder)
    zero = jax.tree.map(jnp.zeros_like, params)
    return along.add(zero, params, KEY, NO_STEP, state, examples)


def test_errors_and_gradients_are_those_of_the_formula():
    params, encoder = AFFINE.init(jax.random.key(2)), INVERSE.init(jax.random.key(3))
    rate = 0.125
    found, state = added(
        params, encoder, DATA, weight=2.0, optimizer=optax.sgd(rate), image_weight=3.0
    )
    (slope, own), errors = jax.grad(loss_of, (0, 1), has_aux=True)(
        params, encoder, DATA, image_weight=3.0
    )
    np.testing.assert_allclose((state.code_error, state.image_error), errors, rtol=1e-5)
    for each, other in zip(jax.tree.leaves(found), jax.tree.leaves(slope), strict=True):
        np.testing.assert_allclose(each, 2 * other, rtol=1e-4, atol=1e-6)
    # The encoder follows its own gradient, whatever the weight of the generator's is.
    for name in ("kernel", "bias"):
        moved = encoder["location"][name] - rate * own["location"][name]
        np.testing.assert_allclose(state.encoder["location"][name], moved, rtol=1e-5)


def test_an_inverse_has_no_error_and_stays():
    """Codes of the generator's own images, by the pseudo-inverse of its matrix."""
    params = AFFINE.init(jax.random.key(4))
    kernel, bias = params["output"]["kernel"], params["output"]["bias"]
    inverse = np.linalg.pinv(kernel)
    encoder = encoder_of(inverse, -bias @ inverse)
    own = AFFINE.apply(params, jax.random.normal(jax.random.key(5), (40, DIM)))
    found, state = added(params, encoder, own)
    assert state.code_error < 1e-10 and state.image_error < 1e-10
    assert optax.tree.norm(found) < 1e-4


NORMALISED = networks.mlp_generator(DIM, (8, 8), shape=(PIXELS,))
CRITIC = networks.mlp_critic((8,), shape=(PIXELS,))
ENCODER = networks.mlp_encoder(DIM, (8,), shape=(PIXELS,))


def along_with(weight=1.0, optimizer: optax.GradientTransformation = SGD):
    return gan.encoder_regulariser(
        NORMALISED, ENCODER, weight=weight, optimizer=optimizer
    )


def wgan(regulariser=None, optimizer: optax.GradientTransformation = SGD):
    return gan.wgan_gp(
        NORMALISED,
        CRITIC,
        generator_optimizer=optimizer,
        critic_optimizer=optimizer,
        regulariser=regulariser,
    )


def train(algorithm, steps=6, examples=DATA):
    state = algorithm.init(KEY)
    state, _ = training.chunk(algorithm, state, examples, steps, batch_size=8)
    return state


def bits(*trees):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(trees)]


def test_weight_zero_gives_the_bits_of_a_run_without():
    plain = train(wgan())
    without = train(wgan(along_with(0.0)))
    assert bits(without.generator, without.critic) == bits(
        plain.generator, plain.critic
    )
    beside = train(wgan(along_with()))
    assert bits(beside.generator) != bits(plain.generator)
    assert without.penalty.uses == 6 and np.isfinite(without.penalty.image_error)
    # The encoder learns all the same.
    first = wgan(along_with(0.0)).init(KEY).penalty
    assert bits(without.penalty.encoder) != bits(first.encoder)


def test_its_weight_rises_in_a_line():
    params, encoder = AFFINE.init(jax.random.key(2)), INVERSE.init(jax.random.key(3))
    along = gan.encoder_regulariser(AFFINE, INVERSE, ramp=4, optimizer=optax.sgd(0.0))
    zero = jax.tree.map(jnp.zeros_like, params)
    state, sizes = along.init(KEY)._replace(encoder=encoder), []
    for _ in range(6):
        found, state = along.add(zero, params, KEY, NO_STEP, state, DATA)
        sizes.append(float(optax.tree.norm(found)))
    np.testing.assert_allclose(np.array(sizes) / sizes[-1], [0, 0.25, 0.5, 0.75, 1, 1])


def test_batches_are_normalised_as_after_training():
    """The errors are of the generator folded over the same codes."""
    params = NORMALISED.init(jax.random.key(6))
    along = along_with()
    begun = along.init(KEY)
    zero = jax.tree.map(jnp.zeros_like, params)
    _, state = along.add(zero, params, KEY, NO_STEP, begun, DATA)
    latents = jax.random.normal(jax.random.fold_in(KEY, 0), (len(DATA), DIM))
    folded = NORMALISED.fold(params, latents)
    codes = ENCODER.apply(begun.encoder, DATA).location
    error = jnp.mean((folded.generate(codes) - DATA) ** 2)
    assert state.image_error == pytest.approx(float(error), rel=1e-5)
    found = ENCODER.apply(begun.encoder, NORMALISED.apply(params, latents)).location
    error = jnp.mean((found - latents) ** 2)
    assert state.code_error == pytest.approx(float(error), rel=1e-4)


def test_several_states_train_side_by_side_as_one_does():
    algorithm = wgan(along_with())

    def after(key):
        state = algorithm.init(key)
        state, _ = training.run_steps(algorithm, state, DATA, 3, batch_size=8)
        return state.generator, state.penalty.encoder

    keys = jax.random.split(KEY, 2)
    both = jax.vmap(after)(keys)
    for number, key in enumerate(keys):
        alone = after(key)
        one = jax.tree.map(lambda leaf, number=number: leaf[number], both)
        for leaf, other in zip(
            jax.tree.leaves(one), jax.tree.leaves(alone), strict=True
        ):
            np.testing.assert_allclose(leaf, other, rtol=1e-3, atol=1e-5)


def test_real_images_have_codes_of_the_prior_after_training():
    """Data of as many dimensions as the codes.

    Images of the prior and the data have one distribution, so that codes of the data
    have the prior's, if the encoder inverts the generator.
    """
    plane = jax.random.normal(jax.random.key(7), (DIM, PIXELS)) / 2
    examples = jnp.tanh(jax.random.normal(jax.random.key(8), (400, DIM)) @ plane)
    algorithm = wgan(along_with(optimizer=training.ADAM), training.ADAM)
    with jax.numpy_dtype_promotion("standard"):  # which Adam needs
        first, last = (train(algorithm, n, examples).penalty for n in (1, 1500))
    assert last.image_error < first.image_error / 2
    assert last.code_error < first.code_error / 2
    codes = ENCODER.apply(last.encoder, examples).location
    assert 0.7 < float(jnp.sqrt(jnp.mean(codes**2))) < 1.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "weight must be ≥ 0, got -1.0"),
        ({"image_weight": float("nan")}, "image_weight must be ≥ 0, got nan"),
        ({"ramp": -1}, "ramp must be at least 0, got -1"),
    ],
)
def test_numbers_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        gan.encoder_regulariser(NORMALISED, ENCODER, **options)
