"""Samplers of Echo noise against laws known in closed form, and against wrong ones."""

from itertools import permutations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from experiments.shannon.linear_codes import marginal_moments
from jaxgan import autoencoders
from jaxgan.autoencoders import Maps, echo_noise
from jaxgan.autoencoders.contractions import apply, take

KEY = jax.random.key(0)
SAMPLERS = [autoencoders.in_batch, autoencoders.ring]


def gaussian_batches(key, batches, batch, s):
    """Maps with m ~ N(0, 1 − s²) and constant s: z is standard normal."""
    m = jnp.sqrt(1 - s * s) * jax.random.normal(key, (batches, batch, 1))
    return Maps(m, jnp.full((batches, batch, 1), s))


def many(sampler, batches, batch, s, depth):
    """Codes of many independent batches."""
    maps = gaussian_batches(KEY, batches, batch, s)
    keys = jax.random.split(jax.random.key(1), batches)
    return jax.jit(jax.vmap(lambda k, m: sampler(k, m, depth)))(keys, maps)


def standard_error_of_variance(z):
    """Of the mean square, batches being independent and their codes not."""
    means = np.mean(np.asarray(z, np.float64) ** 2, (1, 2))
    return means.mean(), means.std(ddof=1) / np.sqrt(len(means))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("depth", [1, 5])
def test_the_variance_is_that_of_so_many_terms(sampler, depth):
    s = 0.7
    z = many(sampler, 4000, 8, s, depth)
    variance, error = standard_error_of_variance(z)
    assert abs(variance - (1 - s ** (2 * depth + 2))) < 4 * error
    assert abs(float(z.mean())) < 4 / np.sqrt(z.size / 8)
    assert error < 0.02


def test_with_replacement_the_variance_is_too_large():
    """Drawing from all of the batch, as popular code does: 1 + 2s/((1 − s)B)."""
    s, batch, depth = 0.7, 8, 7

    def with_replacement(key, maps, depth):
        items = jax.random.randint(key, (depth + 1, batch), 0, batch)
        return echo_noise.through(maps, items)

    variance, error = standard_error_of_variance(
        many(with_replacement, 4000, batch, s, 40)
    )
    inflated = 1 + 2 * s / ((1 - s) * batch)
    assert abs(variance - inflated) < 4 * error
    assert inflated - (1 - s ** (2 * depth + 2)) > 20 * error


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_order_of_the_others_is_equally_likely_and_nothing_else_occurs(sampler):
    """All that a batch of four allows, enumerated."""
    maps = Maps(
        jnp.array([[0.11], [0.23], [0.41], [0.59]]),
        jnp.array([[0.3], [0.45], [-0.2], [0.37]]),
    )
    draws = 3000
    codes = jax.jit(jax.vmap(lambda k: sampler(k, maps, 3)))(
        jax.random.split(KEY, draws)
    )[..., 0]
    for item in range(4):
        rest = [other for other in range(4) if other != item]
        expected = []
        for order in permutations(rest):
            point = jnp.zeros((1, 1))
            for number in reversed((item, *order)):
                point = apply(take(maps, jnp.array([number])), point)
            expected.append(float(point[0, 0]))
        gaps = np.abs(np.asarray(codes[:, item])[:, None] - np.array(expected)[None])
        assert gaps.min(1).max() < 1e-6
        counts = np.bincount(gaps.argmin(1), minlength=6)
        assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("depth", [1, 2, 11, 20])
def test_doubling_is_one_neighbour_after_the_other(depth):
    batch = 21
    maps = Maps(
        jax.random.normal(KEY, (batch, 2)),
        jax.random.uniform(jax.random.key(1), (batch, 2), minval=-0.8, maxval=0.8),
    )
    order = jax.random.permutation(KEY, batch)
    neighbours = (jnp.arange(batch)[None] + jnp.arange(depth + 1)[:, None]) % batch
    slow = jax.jit(echo_noise.through)(take(maps, order), neighbours)
    fast = jax.jit(autoencoders.ring, static_argnums=2)(KEY, maps, depth)
    np.testing.assert_allclose(fast[order], slow, rtol=1e-5, atol=1e-6)


def test_ring_and_batch_agree_for_matrices():
    """One law: means and second moments over many draws of the same batch."""
    first, second = jax.random.split(KEY)
    maps = Maps(
        jax.random.normal(first, (9, 2)),
        jax.random.uniform(second, (9, 2, 2), minval=-0.45, maxval=0.45),
    )
    keys = jax.random.split(jax.random.key(2), 4000)
    moments = []
    for sampler in SAMPLERS:
        z = jax.jit(jax.vmap(lambda k, f=sampler: f(k, maps, 6)))(keys)
        both = np.concatenate([z, z[..., :1] * z, z[..., 1:] ** 2], -1)
        moments.append((both.mean(0), both.std(0) / np.sqrt(len(keys))))
    (a, error_a), (b, error_b) = moments
    assert np.all(np.abs(a - b) < 4.5 * np.hypot(error_a, error_b) + 1e-6)


def test_the_bank_has_the_moments_of_independent_draws():
    table = Maps(
        jnp.array([[0.5, -1.0], [1.0, 0.3], [-0.7, 0.2]]),
        jnp.array([[0.6, 0.2], [0.1, -0.5], [0.4, 0.7]]),
    )
    for depth in (0, 1, 30):
        z = np.asarray(
            echo_noise.draw_from_bank(KEY, table, jnp.arange(40_000), depth), np.float64
        )
        mean, second = marginal_moments(table, depth)
        error = z.std(0) / np.sqrt(len(z))
        assert np.all(np.abs(z.mean(0) - mean) < 4 * error)
        products = z[:, :, None] * z[:, None]
        error = products.std(0) / np.sqrt(len(z))
        assert np.all(np.abs(products.mean(0) - second) < 4 * error + 1e-6)
    # In the limit: μ = E m / (1 − E s), and the second moments likewise.
    m, s = (np.asarray(leaf, np.float64) for leaf in table)
    np.testing.assert_allclose(mean, m.mean(0) / (1 - s.mean(0)), rtol=1e-5)
    ms = (m[:, :, None] * s[:, None]).mean(0) * np.asarray(mean)[None]
    mm = (m[:, :, None] * m[:, None]).mean(0)
    ss = (s[:, :, None] * s[:, None]).mean(0)
    np.testing.assert_allclose(second, (mm + ms + ms.T) / (1 - ss), rtol=1e-5)


def test_a_draw_from_the_bank_does_not_depend_on_its_company():
    table = Maps(jax.random.normal(KEY, (50, 2)), jnp.full((50, 2), 0.5))
    all_ = np.asarray(echo_noise.draw_from_bank(KEY, table, jnp.arange(20), 12))
    few = echo_noise.draw_from_bank(KEY, table, jnp.array([17, 3]), 12)
    np.testing.assert_array_equal(few, all_[[17, 3]])
    assert len(np.unique(all_[:, 0])) == 20
    # A bank smaller than the depth serves as well: draws are with replacement.
    few = echo_noise.draw_from_bank(KEY, take(table, jnp.arange(3)), jnp.arange(5), 40)
    assert bool(jnp.isfinite(few).all())


def test_arithmetic_coding_gives_a_uniform_code():
    """s = p, m = the sum of the p before: every number in [0, 1] is a message."""
    p = np.array([0.5, 0.3, 0.2])
    of_item = np.repeat([0, 1, 2], [5, 3, 2])
    m = np.cumsum(p) - p
    table = Maps(
        jnp.asarray(m[of_item, None], jnp.float32),
        jnp.asarray(p[of_item, None], jnp.float32),
    )
    z = echo_noise.draw_from_bank(KEY, table, jnp.arange(20_000), 60)
    assert stats.kstest(np.asarray(z)[:, 0], "uniform").pvalue > 1e-3
    entropy = -(p * np.log(p)).sum()
    assert entropy == pytest.approx(1.02965, abs=5e-6)
    rate = -float(jnp.mean(jnp.log(table.scales)))
    assert rate == pytest.approx(entropy, rel=1e-6)


def test_constant_matrices_have_the_covariance_of_their_fixed_point():
    """V = S V Sᵀ + Σ, and the Gaussian information is −log |det S|."""
    s = np.array([[0.5, 0.3], [-0.2, 0.4]])
    batches, batch = 3000, 12
    m = jax.random.normal(KEY, (batches, batch, 2)) * jnp.array([[[1.0, 0.5]]])
    maps = Maps(
        m, jnp.broadcast_to(jnp.asarray(s, jnp.float32), (batches, batch, 2, 2))
    )
    keys = jax.random.split(jax.random.key(1), batches)
    covariance = np.diag([1.0, 0.25])
    for _ in range(200):
        covariance = s @ covariance @ s.T + np.diag([1.0, 0.25])
    for sampler in SAMPLERS:
        z = jax.jit(jax.vmap(lambda k, m, f=sampler: f(k, m, 11)))(keys, maps)
        products = np.einsum("nbi,nbj->nij", z, z) / batch
        error = products.std(0) / np.sqrt(batches)
        assert np.all(np.abs(products.mean(0) - covariance) < 4 * error)
    ratio = np.linalg.det(covariance) / np.linalg.det(s @ covariance @ s.T)
    assert 0.5 * np.log(ratio) == pytest.approx(-np.log(abs(np.linalg.det(s))))


def second_moment(theta, s, sampler, x, keys, depth):
    def one(key, x):
        z = sampler(key, Maps(theta * x, jnp.broadcast_to(s, x.shape)), depth)
        return jnp.mean(z * z)

    return jnp.mean(jax.vmap(one)(keys, x))


def stopped(sampler):
    """The defect: noise that gradients do not enter."""

    def sample(key, maps, depth):
        noise = jax.lax.stop_gradient((sampler(key, maps, depth) - maps[0]) / maps[1])
        return apply(maps, noise)

    return sample


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_gradients_pass_through_every_term(sampler):
    """E z² = θ²/(1 − s²); without the noise's part both derivatives are too small."""
    theta, s, batch = 0.8, 0.6, 31
    x = jax.random.normal(KEY, (3000, batch, 1))
    keys = jax.random.split(jax.random.key(1), len(x))
    gradient = jax.jit(jax.grad(second_moment, (0, 1)), static_argnums=(2, 5))
    d_theta, d_s = gradient(jnp.array(theta), jnp.array(s), sampler, x, keys, 24)
    true_theta, true_s = 2 * theta / (1 - s**2), 2 * s * theta**2 / (1 - s**2) ** 2
    assert float(d_theta) == pytest.approx(true_theta, rel=0.03)
    assert float(d_s) == pytest.approx(true_s, rel=0.03)
    wrong = gradient(jnp.array(theta), jnp.array(s), stopped(sampler), x, keys, 24)
    assert float(wrong[0]) == pytest.approx(true_theta * (1 - s**2), rel=0.03)
    assert float(wrong[1]) == pytest.approx(true_s * (1 - s**2), rel=0.03)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("full", [False, True])
def test_gradients_are_those_of_finite_differences(sampler, full):
    shape = (6, 2, 2) if full else (6, 2)
    m = jax.random.normal(KEY, (6, 2))
    s = jax.random.uniform(KEY, shape, minval=0.1, maxval=0.4)

    @jax.jit
    def value(m, s):
        return jnp.sum(jnp.sin(sampler(KEY, Maps(m, s), 5)))

    chex.assert_numerical_grads(
        value,
        (m, s),
        order=1,
        atol=0.02,
        rtol=0.02,
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_products_that_underflow_have_finite_gradients(sampler):
    @jax.jit
    @jax.value_and_grad
    def value(log_s):
        maps = Maps(jnp.ones((40, 1)), jnp.exp(log_s))
        return jnp.sum(sampler(KEY, maps, 39))

    for log_s in (-30.0, -90.0, -200.0):
        found, slope = value(jnp.full((40, 1), log_s))
        assert float(found) == pytest.approx(40.0)
        assert bool(jnp.isfinite(slope).all())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_call_draws_afresh_in_one_compiled_program(sampler):
    """A permutation drawn by NumPy under jit would be the same at every step."""
    maps = gaussian_batches(KEY, 1, 10, 0.5)
    maps = Maps(maps.locations[0], maps.scales[0])

    traces = []

    @jax.jit
    def draw(key, maps):
        traces.append(1)
        return sampler(key, maps, 6)

    codes = [np.asarray(draw(jax.random.key(n), maps)) for n in range(5)]
    assert len({code.tobytes() for code in codes}) == 5 and len(traces) == 1
    np.testing.assert_allclose(codes[3], sampler(jax.random.key(3), maps, 6), rtol=1e-5)
    keys = jnp.stack([jax.random.key(n) for n in range(5)])
    batched = jax.jit(jax.vmap(lambda k: sampler(k, maps, 6)))(keys)
    np.testing.assert_allclose(batched, codes, rtol=1e-5)


def test_others_are_others_each_at_most_once():
    items = np.asarray(echo_noise.draw_others(KEY, 12, 11))
    assert items.shape == (11, 12)
    for item in range(12):
        assert sorted(items[:, item]) == [n for n in range(12) if n != item]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("batch", "depth"), [(5, 5), (1, 1), (4, 0)])
def test_a_batch_without_so_many_others_is_refused(sampler, batch, depth):
    maps = Maps(jnp.ones((batch, 1)), jnp.full((batch, 1), 0.5))
    with pytest.raises(ValueError, match=f"has {batch - 1} other items for each, got"):
        sampler(KEY, maps, depth)
