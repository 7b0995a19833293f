import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.gan import losses

KEY = jax.random.key(0)


def penalties(score, examples, **options):
    return jax.vmap(lambda x: losses.gradient_penalty(score, x, **options))(examples)


def smooth_critic(params, x):
    hidden = jnp.tanh(params["w"] @ x.reshape(-1) + params["b"])
    return jnp.dot(params["v"], hidden)


def smooth_params(width=5, size=6):
    w, b, v = jax.random.split(KEY, 3)
    return {
        "w": jax.random.normal(w, (width, size)),
        "b": jax.random.normal(b, (width,)),
        "v": jax.random.normal(v, (width,)),
    }


def assert_gradient_matches_differences(f, params, tolerance=1e-5):
    """Directional derivatives in float64 against central differences."""
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: jnp.asarray(np.asarray(p, np.float64)), params)
        gradient = jax.grad(f)(params)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            direction = jax.tree.map(
                lambda p, rng=rng: jnp.asarray(rng.normal(size=p.shape)), params
            )
            h = 1e-5
            ahead, behind = (
                f(jax.tree.map(lambda p, d, s=s: p + s * d, params, direction))
                for s in (h, -h)
            )
            expected = (ahead - behind) / (2 * h)
            actual = sum(
                jnp.sum(g * d)
                for g, d in zip(
                    jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True
                )
            )
            np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=1e-8)


def test_an_undecided_discriminator_costs_two_log_two():
    zero = jnp.zeros(7)
    assert losses.discriminator_loss(zero, zero) == pytest.approx(2 * np.log(2))
    assert losses.nonsaturating_generator_loss(zero) == pytest.approx(np.log(2))
    assert losses.saturating_generator_loss(zero) == pytest.approx(-np.log(2))


def test_vanilla_losses_equal_their_textbook_form():
    real, fake = np.array([-2.0, 0.3, 4.0]), np.array([1.5, -0.7, -3.0])

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    discriminator = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    real32, fake32 = jnp.float32(real), jnp.float32(fake)
    assert losses.discriminator_loss(real32, fake32) == pytest.approx(discriminator)
    assert losses.nonsaturating_generator_loss(fake32) == pytest.approx(
        -np.log(sigmoid(fake)).mean()
    )
    assert losses.saturating_generator_loss(fake32) == pytest.approx(
        np.log(1 - sigmoid(fake)).mean()
    )


def test_losses_fall_as_the_scores_go_where_they_should():
    """The critic wants real scores high and fake ones low, the generator high ones."""
    scores = jnp.array([-0.5, 0.2, 1.0])
    for critic in (losses.discriminator_loss, losses.wasserstein_critic_loss):
        real, fake = jax.grad(critic, (0, 1))(scores, scores)
        assert (real < 0).all() and (fake > 0).all()
    for generator in (
        losses.nonsaturating_generator_loss,
        losses.saturating_generator_loss,
        losses.wasserstein_generator_loss,
    ):
        assert (jax.grad(generator)(scores) < 0).all()


def test_vanilla_losses_are_finite_for_extreme_logits():
    scores = jnp.array([-1e4, 1e4])
    for loss in (
        lambda s: losses.discriminator_loss(s, s),
        losses.nonsaturating_generator_loss,
        losses.saturating_generator_loss,
    ):
        value, gradient = jax.value_and_grad(loss)(scores)
        assert jnp.isfinite(value) and jnp.isfinite(gradient).all()


def test_only_the_nonsaturating_gradient_survives_a_winning_discriminator():
    losing = jnp.array([-20.0])
    strong = jax.grad(losses.nonsaturating_generator_loss)(losing)
    weak = jax.grad(losses.saturating_generator_loss)(losing)
    assert strong[0] == pytest.approx(-1)
    assert abs(weak[0]) < 1e-8


def test_wasserstein_losses_are_differences_of_means():
    real, fake = jnp.array([1.0, 2.0, 6.0]), jnp.array([0.5, -0.5])
    assert losses.wasserstein_critic_loss(real, fake) == pytest.approx(-3)
    assert losses.wasserstein_generator_loss(fake) == 0


@pytest.mark.parametrize("shape", [(28, 28, 1), (2,), (4, 4, 3)])
def test_interpolation_has_one_epsilon_for_each_example(shape):
    real, fake = jnp.ones((50, *shape)), jnp.zeros((50, *shape))
    epsilon = losses.interpolate(KEY, real, fake).reshape(50, -1)
    assert (epsilon == epsilon[:, :1]).all(), "the same for all pixels"
    assert len(np.unique(epsilon[:, 0])) == 50, "another for each example"


def test_epsilon_is_uniform():
    epsilon = losses.interpolate(KEY, jnp.ones((20_000, 1)), jnp.zeros((20_000, 1)))
    ranks = np.sort(np.asarray(epsilon)[:, 0])
    distance = np.abs(ranks - (np.arange(20_000) + 0.5) / 20_000).max()
    assert distance < 1.63 / np.sqrt(20_000), "Kolmogorov-Smirnov at 1 %"


def test_interpolation_refuses_batches_of_different_shape():
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(4, 2\)"):
        losses.interpolate(KEY, jnp.zeros((3, 2)), jnp.zeros((4, 2)))


@pytest.mark.parametrize("shape", [(28, 28, 1), (2,), (3, 4, 2)])
def test_a_linear_critic_pays_the_same_everywhere(shape):
    w = jax.random.normal(KEY, shape)
    examples = jax.random.normal(jax.random.key(1), (9, *shape))
    norm = jnp.linalg.norm(w.reshape(-1))
    for options, expected in (
        ({}, (norm - 1) ** 2),
        ({"target": 0.0}, norm**2),
        ({"one_sided": True}, jnp.maximum(norm - 1, 0) ** 2),
        ({"one_sided": True, "target": 1e4}, 0.0),
    ):
        actual = penalties(lambda x: jnp.sum(w * x), examples, **options)
        np.testing.assert_allclose(actual, jnp.full(9, expected), rtol=1e-5)


def check_linear_over_channels(penalty):
    """For a linear critic on a gray image the exact penalty, from all pixels."""
    w = jax.random.normal(KEY, (4, 4, 1))
    exact = (np.linalg.norm(w.reshape(-1)) - 1) ** 2
    examples = jax.random.normal(KEY, (5, 4, 4, 1))
    np.testing.assert_allclose(
        penalty(lambda x: jnp.sum(w * x), examples), np.full(5, exact), rtol=1e-5
    )


def check_examples_are_independent(penalty):
    """Changing one example leaves the penalties of all others as they were."""
    params = smooth_params()
    score = lambda x: smooth_critic(params, x)  # noqa: E731
    examples = jax.random.normal(KEY, (5, 6))
    before, after = (penalty(score, e) for e in (examples, examples.at[2].mul(3.0)))
    others = np.array([0, 1, 3, 4])
    np.testing.assert_allclose(after[others], before[others], rtol=1e-6)
    assert abs(after[2] - before[2]) > 1e-3


def batch_norm_of_gradients(score, examples):
    gradients = jax.vmap(jax.grad(score))(examples)
    return jnp.full(len(examples), (jnp.linalg.norm(gradients) - 1) ** 2)


def channel_norm_of_gradients(score, examples):
    gradients = jax.vmap(jax.grad(score))(examples)
    excess = jnp.linalg.norm(gradients, axis=-1) - 1
    return jnp.mean(excess**2, axis=(1, 2))


def test_the_norm_is_over_all_pixels_and_of_one_example():
    check_linear_over_channels(penalties)
    check_examples_are_independent(penalties)


def test_the_checks_reject_a_norm_over_channels_and_one_over_the_batch():
    with pytest.raises(AssertionError):
        check_linear_over_channels(channel_norm_of_gradients)
    with pytest.raises(AssertionError):
        check_examples_are_independent(batch_norm_of_gradients)


def test_penalty_is_finite_where_the_gradient_vanishes():
    def mean_penalty(w):
        return jnp.mean(penalties(lambda x: jnp.sum(w * x), jnp.ones((3, 4))))

    value, gradient = jax.value_and_grad(mean_penalty)(jnp.zeros(4))
    assert value == 1
    assert jnp.isfinite(gradient).all()

    def naive(w):
        return (jnp.sqrt(jnp.sum(jax.grad(lambda x: jnp.sum(w * x))(w) ** 2)) - 1) ** 2

    assert jnp.isnan(jax.grad(naive)(jnp.zeros(4))).all(), "what this guards against"


@pytest.mark.parametrize("options", [{}, {"one_sided": True}, {"target": 0.3}])
def test_penalty_gradient_matches_finite_differences(options):
    def mean_penalty(params):
        x = jnp.linspace(-1.0, 1.0, 24, dtype=params["w"].dtype).reshape(4, 6)
        return jnp.mean(penalties(lambda x: smooth_critic(params, x), x, **options))

    assert_gradient_matches_differences(mean_penalty, smooth_params())


def test_score_loss_gradients_match_finite_differences():
    scores = {"real": jnp.array([0.3, -2.0, 1.0]), "fake": jnp.array([0.1, 2.0, -1.0])}
    for loss in (
        lambda s: losses.discriminator_loss(s["real"], s["fake"]),
        lambda s: losses.wasserstein_critic_loss(s["real"], s["fake"]),
        lambda s: losses.nonsaturating_generator_loss(s["fake"]),
        lambda s: losses.saturating_generator_loss(s["fake"]),
        lambda s: losses.wasserstein_generator_loss(s["fake"]),
    ):
        assert_gradient_matches_differences(loss, scores)


def test_compiled_batched_and_looped_penalties_agree():
    params = smooth_params()
    examples = jax.random.normal(KEY, (6, 6))
    score = lambda x: smooth_critic(params, x)  # noqa: E731
    batched = penalties(score, examples)
    looped = jnp.stack([losses.gradient_penalty(score, x) for x in examples])
    compiled = jax.jit(lambda e: penalties(score, e))(examples)
    np.testing.assert_allclose(batched, looped, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(batched, compiled, rtol=1e-5, atol=1e-6)
