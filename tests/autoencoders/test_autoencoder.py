from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats
from scipy.special import logsumexp

from jaxgan import autoencoders, networks, training
from jaxgan.networks import Heads

KEY = jax.random.key(0)


def test_the_divergence_is_the_mean_log_ratio():
    mean, log_std = jnp.array([0.7, -1.2, 0.0]), jnp.array([-0.5, 0.3, 0.0])
    exact = float(autoencoders.divergence_from_prior(mean, log_std))
    mean, log_std = np.asarray(mean, np.float64), np.asarray(log_std, np.float64)
    noise = np.random.default_rng(0).standard_normal((200_000, 3))
    z = mean + np.exp(log_std) * noise
    ratios = (stats.norm.logpdf(z, mean, np.exp(log_std)) - stats.norm.logpdf(z)).sum(1)
    assert abs(exact - ratios.mean()) < 4 * ratios.std() / np.sqrt(len(z))


def test_the_divergence_keeps_its_digits_near_zero():
    found = autoencoders.divergence_from_prior(jnp.zeros(1), jnp.full(1, 1e-3))
    # ½(e²ˣ − 1 − 2x) = x² + ⅔x³ + …; e²ˣ − 1 in single precision leaves two digits.
    assert float(found) == pytest.approx(1e-6 + 2e-9 / 3, rel=1e-3)
    assert float(autoencoders.divergence_from_prior(jnp.zeros(5), jnp.zeros(5))) == 0


def test_the_bernoulli_likelihood_is_stable_at_every_logit():
    logits = jnp.array([-1e4, -50.0, -1.0, 0.0, 2.0, 60.0, 1e4])
    for value in (-1.0, 1.0):
        pixels = jnp.full(7, value)
        exact = np.logaddexp(0, -value * np.asarray(logits, np.float64))
        each = jax.vmap(autoencoders.bernoulli_distortion)(
            logits[:, None], pixels[:, None]
        )
        np.testing.assert_allclose(each, exact, rtol=1e-6, atol=1e-20)
        slope = jax.grad(autoencoders.bernoulli_distortion)(logits, pixels)
        sigmoid = 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -700, 700)))
        np.testing.assert_allclose(slope, sigmoid - (value + 1) / 2, atol=1e-6)


def test_the_gaussian_likelihood_is_the_normal_density():
    mean, x = jax.random.normal(KEY, (2, 3, 4))
    for std in (0.3, 1.0, 2.0):
        found = autoencoders.gaussian_distortion(mean, x, std=std)
        expected = -stats.norm.logpdf(x, mean, std).sum()
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_mixture_is_the_mean_of_its_components():
    """As many logits as draws of a marginal, far from zero as trained ones are."""
    logits = 30 * jax.random.normal(KEY, (5, 2, 3))
    pixels = autoencoders.binarise(KEY, jnp.zeros((4, 2, 3)))
    found = autoencoders.bernoulli_mixture(logits, pixels)
    white = (np.asarray(pixels, np.float64)[:, None] + 1) / 2
    terms = white * np.asarray(logits, np.float64)[None]
    terms = terms - np.logaddexp(0, np.asarray(logits, np.float64))[None]
    expected = logsumexp(terms.sum((2, 3)), 1) - np.log(5)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gaussian_codes_have_the_mean_and_the_deviation_that_the_encoder_says():
    count = 20_000
    location, scale = (jnp.full((count, 2), value) for value in (1.5, np.log(0.5)))
    codes = np.asarray(
        autoencoders.gaussian_channel(
            jax.random.key(3), networks.Heads(location, scale)
        ).latents
    )
    error = 0.5 / np.sqrt(count)
    np.testing.assert_allclose(codes.mean(0), 1.5, atol=4 * error)
    np.testing.assert_allclose(codes.std(0), 0.5, atol=4 * error)
    assert abs(np.corrcoef(codes.T)[0, 1]) < 4 / np.sqrt(count)


def test_draws_of_the_prior_are_standard_and_do_not_depend_on_their_number():
    draw = autoencoders.prior(3)
    z = np.asarray(jax.jit(draw, static_argnums=1)(KEY, 20_000))
    np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=0.04)
    np.testing.assert_allclose(draw(KEY, 5), z[:5], rtol=1e-6)


def test_binarised_pixels_are_white_as_often_as_they_are_bright():
    gray = jnp.broadcast_to(jnp.linspace(-1, 1, 5), (20_000, 5))
    drawn = autoencoders.binarise(KEY, gray)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0), gray[0], atol=0.03)
    np.testing.assert_array_equal(drawn[:, 0], -1)
    np.testing.assert_array_equal(drawn[:, 4], 1)


def test_the_best_constant_image_pays_the_entropy_of_the_mean():
    pixels = autoencoders.binarise(
        KEY, jnp.broadcast_to(jnp.array([-1.0, -0.4, 0.0, 0.8]), (300, 4))
    )
    logits = jnp.zeros(4)
    for _ in range(400):
        slope = jax.grad(
            lambda logits: jnp.mean(
                jax.vmap(autoencoders.bernoulli_distortion, (None, 0))(logits, pixels)
            )
        )(logits)
        logits = logits - 2.0 * slope
    best = jnp.mean(
        jax.vmap(autoencoders.bernoulli_distortion, (None, 0))(logits, pixels)
    )
    own, heldout = autoencoders.distortion_at_rate_zero(pixels, pixels)
    assert float(own) == pytest.approx(float(best), abs=5e-3)
    assert float(own) < float(heldout) < float(own) + 0.05
    coin = jnp.array([[-1.0], [1.0]])
    half, _ = autoencoders.distortion_at_rate_zero(coin, coin)
    assert float(half) == pytest.approx(np.log(2))
    for constant in (jnp.full((5, 3), -1.0), jnp.full((5, 3), 1.0)):
        assert autoencoders.distortion_at_rate_zero(constant, constant)[0] == 0


def linear_gaussian(std=0.5, dim=2, size=3, exact=True):
    """An affine decoder with its exact posterior as encoder, or a wider one.

    Columns of W are orthogonal, so that the posterior has independent dimensions.
    """
    w = np.array([[1.0, 0.0, 0.5], [0.0, 2.0, 0.0]])
    c = np.array([0.3, -0.2, 0.1])
    precision = 1 + (w * w).sum(1) / std**2
    gain = (w / std**2 / precision[:, None]).T
    log_std = -0.5 * np.log(precision) + (0.0 if exact else 0.4)
    params = autoencoders.Weights(
        {
            "location": {"kernel": gain, "bias": -c @ gain},
            "scale": {"kernel": np.zeros((size, dim)), "bias": log_std},
        },
        {"output": {"kernel": w, "bias": c}},
    )
    model = autoencoders.Autoencoder(
        networks.mlp_encoder(dim, (), shape=(size,)),
        networks.mlp_decoder(dim, (), shape=(size,)),
        autoencoders.gaussian_channel,
        lambda mean, x: autoencoders.gaussian_distortion(mean, x, std=std),
    )
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params)
    normal: Any = stats.multivariate_normal
    truth = normal(c, w.T @ w + std**2 * np.eye(size))
    x = truth.rvs(64, random_state=0)
    return model, params, jnp.asarray(x, jnp.float32), truth.logpdf(x)


def test_importance_weights_of_the_exact_posterior_are_the_likelihood():
    model, params, x, truth = linear_gaussian()
    for num_samples in (1, 3):
        found = autoencoders.importance_log_likelihood(
            model, params, KEY, x, num_samples=num_samples
        )
        np.testing.assert_allclose(found, truth, rtol=1e-4, atol=1e-4)


def test_importance_weighting_closes_the_gap_of_a_bound():
    model, params, x, truth = linear_gaussian(exact=False)
    keys = jax.random.split(KEY, 100)

    @jax.jit
    @jax.vmap
    def elbo(key):
        measured = autoencoders.measure(model, params, key, x)
        return -(measured.distortions + measured.rates)

    bounds = [float(elbo(keys).mean())]
    for num_samples in (1, 10, 2000):
        found = autoencoders.importance_log_likelihood(
            model, params, KEY, x, num_samples=num_samples
        )
        bounds.append(float(found.mean()))
    # KL(q ‖ posterior) = Σ ½(e^0.8 − 1 − 0.8) is what the bound lacks.
    gap = 2 * 0.5 * (np.exp(0.8) - 1.8)
    assert truth.mean() - bounds[0] == pytest.approx(gap, rel=0.1)
    assert bounds[1] == pytest.approx(bounds[0], abs=0.35)
    assert bounds[1] < bounds[2] < bounds[3]
    assert bounds[3] == pytest.approx(truth.mean(), abs=0.02)


def test_importance_weights_do_not_depend_on_the_company():
    model, params, x, _ = linear_gaussian(exact=False)
    all_ = autoencoders.importance_log_likelihood(model, params, KEY, x, num_samples=4)
    few = autoencoders.importance_log_likelihood(
        model, params, KEY, x[:3], num_samples=4
    )
    np.testing.assert_allclose(few, all_[:3], rtol=1e-5)
    with pytest.raises(ValueError, match="num_samples must be at least 1, got 0"):
        autoencoders.importance_log_likelihood(model, params, KEY, x, num_samples=0)


DIM = 2
ENCODER = networks.mlp_encoder(DIM, (8,), shape=(6,))
DECODER = networks.mlp_decoder(DIM, (8,), shape=(6,))
CHANNELS = {
    "gaussian": autoencoders.gaussian_channel,
    "echo": autoencoders.echo(10).channel,
}
PIXELS = autoencoders.binarise(
    KEY,
    jnp.tanh(
        3.0
        * jax.random.normal(KEY, (200, 2))
        @ jax.random.normal(jax.random.key(1), (2, 6))
    ),
)


def build(name, **options):
    model = autoencoders.Autoencoder(
        ENCODER, DECODER, CHANNELS[name], autoencoders.bernoulli_distortion
    )
    options = {"optimizer": optax.sgd(0.1), **options}
    return model, autoencoders.autoencoding(model, **options)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_step_is_gradient_descent_on_distortion_plus_beta_rate(name):
    model, training_of = build(name, beta=0.3)
    state = jax.jit(training_of.init)(KEY)
    batch = PIXELS[:20]
    after, metrics = jax.jit(training_of.step)(state, batch[None])
    stream = training.streams(state.key).noise
    key = jax.random.split(jax.random.fold_in(stream, 0))[1]

    def loss(params):
        heads = model.encoder.apply(params.encoder, batch)
        coded = model.channel(key, heads)
        logits = model.decoder.apply(params.decoder, coded.latents)
        pixelwise = optax.sigmoid_binary_cross_entropy(logits, (batch + 1) / 2)
        return jnp.mean(jnp.sum(pixelwise, 1)) + 0.3 * jnp.mean(coded.rates)

    np.testing.assert_allclose(metrics.loss, loss(state.params), rtol=1e-5)
    np.testing.assert_allclose(
        metrics.loss, metrics.distortion + 0.3 * metrics.rate, rtol=1e-5
    )
    slope = jax.grad(loss)(state.params)
    expected = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, slope)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        after.params,
        expected,
    )
    assert int(after.step) == 1 and isinstance(state, training.State)


def test_a_sweep_over_beta_and_seeds_is_one_program():
    _, training_of = build("echo")
    traces = []

    def one(key, beta):
        traces.append(1)
        state = training_of.init(key)._replace(beta=beta)
        state, metrics = training.run_steps(
            training_of, state, PIXELS, 3, batch_size=20
        )
        return metrics.loss

    keys, betas = jax.random.split(KEY, 2), jnp.array([0.1, 1.0, 3.0])
    sweep = jax.jit(jax.vmap(jax.vmap(one, (0, None)), (None, 0)))
    losses = sweep(keys, betas)
    sweep(keys, 2 * betas)
    assert losses.shape == (3, 2) and len(traces) == 1
    single = jax.jit(one)
    np.testing.assert_allclose(losses[2, 1], single(keys[1], betas[2]), rtol=1e-5)


def test_a_great_weight_on_the_rate_leaves_the_mean_image():
    model, training_of = build(
        "gaussian", optimizer=training.adam(2e-2, 0.9, 0.999), beta=300.0
    )
    state = jax.jit(training_of.init)(KEY)
    with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
        state, _ = training.chunk(training_of, state, PIXELS, 800, batch_size=200)
    limit, _ = autoencoders.distortion_at_rate_zero(PIXELS, PIXELS)
    measured = autoencoders.measure(model, state.params, KEY, PIXELS)
    assert float(measured.rates.mean()) < 1e-3
    assert float(measured.distortions.mean()) == pytest.approx(float(limit), abs=0.03)
    np.testing.assert_allclose(
        jax.nn.sigmoid(measured.outputs[0]), ((PIXELS + 1) / 2).mean(0), atol=0.05
    )


def test_examples_are_drawn_again_at_every_step():
    model, training_of = build(
        "gaussian",
        optimizer=optax.sgd(0.0),
        redraw=lambda key, x: autoencoders.binarise(key, 0.0 * x),
    )
    state = jax.jit(training_of.init)(KEY)
    step, seen = jax.jit(training_of.step), set()
    for _ in range(3):
        state, metrics = step(state, PIXELS[:1][None])
        seen.add(float(metrics.distortion))
    assert len(seen) == 3


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="beta must be at least 0, got -1.0"):
        build("gaussian", beta=-1.0)


def test_the_halves_have_the_shapes_they_say():
    encoder = networks.mlp_encoder(4, (5,), full_scale=True)
    decoder = networks.mlp_decoder(4, (5,))

    def both(key, images):
        heads = encoder.apply(encoder.init(key), images)
        return heads, decoder.apply(decoder.init(key), heads.location)

    heads, images = jax.eval_shape(both, KEY, jnp.zeros((3, 28, 28, 1)))
    assert isinstance(heads, Heads)
    assert heads.location.shape == (3, 4) and heads.scale.shape == (3, 4, 4)
    assert images.shape == (3, 28, 28, 1)
    with pytest.raises(ValueError, match="latent_dim must be at least 1"):
        networks.mlp_encoder(0)
    with pytest.raises(ValueError, match="widths must be at least 1"):
        networks.mlp_decoder(4, (0,))
