"""Echo's information against cases where it is known, and where the formula fails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import autoencoders
from jaxgan.autoencoders import (
    Maps,
    contractions,
    echo_codes,
    echo_diagnostics,
    echo_noise,
)
from jaxgan.networks import Heads

KEY = jax.random.key(0)
NOISE = autoencoders.echo(20)
MAPS, CHANNEL = jax.jit(NOISE.maps), jax.jit(NOISE.channel)
EXACTNESS = jax.jit(autoencoders.exactness, static_argnums=(0, 2))


def heads_of(noise, m, s):
    """Diagonal heads with given locations and scales, by the inverses."""
    m, s = jnp.asarray(m, jnp.float32), jnp.asarray(s, jnp.float32)
    ratio = s / noise.radius
    location = echo_codes.SOFTNESS * jnp.arctanh(m)
    return Heads(location, jnp.log(ratio) - jnp.log1p(-ratio))


def random_heads(key=KEY, batch=32, dim=3, full=False, size=3.0):
    first, second = jax.random.split(key)
    shape = (batch, dim, dim) if full else (batch, dim)
    return Heads(
        size * jax.random.normal(first, (batch, dim)),
        jax.random.normal(second, shape),
    )


@pytest.mark.parametrize("full", [False, True])
def test_one_bound_holds_for_code_rate_and_tail(full):
    """A sampler and a loss with bounds of their own would fail here."""
    heads = random_heads(full=full, size=100.0)
    for depth in (3, 31):
        noise = autoencoders.echo(depth)
        maps, rates = jax.jit(noise.maps)(heads)
        assert float(contractions.shrinkage(maps).max()) < noise.radius
        of_scales = -np.linalg.slogdet(
            np.asarray(maps.scales)
            if full
            else np.asarray(maps.scales)[..., None] * np.eye(3)
        )[1]
        np.testing.assert_allclose(rates, of_scales, rtol=1e-4)
        assert float(rates.min()) >= 3 * noise.floor > 0
        coded = jax.jit(noise.channel)(KEY, heads)
        np.testing.assert_allclose(coded.rates, rates, rtol=1e-5)
        sampled = jax.jit(autoencoders.ring, static_argnums=2)(KEY, maps, depth)
        np.testing.assert_allclose(coded.latents, sampled, rtol=1e-4, atol=1e-5)
        assert 0 < float(coded.tail) <= autoencoders.ECHO_TOLERANCE
    norms = np.linalg.norm(maps.locations, axis=1) if full else maps.locations
    assert float(np.max(np.abs(norms))) <= 1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bound", [0.5, 10.0])
def test_truncation_is_within_the_tail(full, bound):
    noise = autoencoders.echo(12, tolerance=0.01, bound=bound)
    heads = random_heads(full=full, size=100.0)
    maps, _ = noise.maps(heads)
    items = jax.random.randint(KEY, (200, 32), 0, 32)
    whole = echo_noise.through(maps, items)
    cut = echo_noise.through(maps, items[:13])
    coded = noise.channel(KEY, heads)
    assert float(jnp.abs(whole - cut).max()) <= float(coded.tail) <= 0.01


@pytest.mark.parametrize(
    ("depth", "expected"), [(1, 0.55606), (2, 0.43138), (5, 0.36403), (400, 0.35667)]
)
def test_what_truncation_adds_to_gaussian_information(depth, expected):
    s = 0.7
    added = float(echo_diagnostics.truncation(jnp.asarray(s), depth))
    assert -np.log(s) + added == pytest.approx(expected, abs=6e-6)


def test_only_the_mean_of_the_rates_is_information():
    """m ~ N(0, 1 − s²): the divergences from q(z) vary, the rates do not."""
    s, dim = 0.6, 1
    m = np.sqrt(1 - s * s) * np.random.default_rng(0).standard_normal(200)
    m = (m - m.mean()) * np.sqrt((1 - s * s) / m.var())
    noise = autoencoders.echo(60)
    heads = heads_of(noise, 0.1 * m[:, None], np.full((200, dim), s))
    _, rates = noise.maps(heads)
    divergences = autoencoders.divergence_from_prior(
        jnp.asarray(m[:, None], jnp.float32), jnp.full((200, 1), np.log(s), jnp.float32)
    )
    assert float(rates.mean()) == pytest.approx(-np.log(s), rel=1e-5)
    assert float(divergences.mean()) == pytest.approx(-np.log(s), rel=1e-4)
    assert float(rates.std()) < 1e-5 and float(divergences.std()) > 0.2


def test_arithmetic_coding_has_the_rate_of_its_entropy():
    p = np.array([0.5, 0.3, 0.2])
    of_item = np.repeat([0, 1, 2], [5, 3, 2])
    start = (np.cumsum(p) - p)[of_item, None]
    noise = autoencoders.echo(60)
    heads = heads_of(noise, start, p[of_item, None])
    found = EXACTNESS(noise, heads, -(p * np.log(p)).sum() + 1e-6)
    assert float(found.rate) == pytest.approx(1.02965, abs=1e-5)
    assert not bool(found.above_ceiling) and not bool(found.at_floor)
    assert int(found.dead) == 0


def test_a_code_on_a_cantor_set_is_warned_of():
    """The formula says log 3 of a coin, whose entropy is log 2: z has no density."""
    heads = heads_of(NOISE, [[0.0], [2 / 3]], [[1 / 3], [1 / 3]])
    found = EXACTNESS(NOISE, heads, np.log(2))
    assert float(found.rate) == pytest.approx(np.log(3), rel=1e-5)
    assert bool(found.above_ceiling)
    # Ternary digits 0 and 2 only, and so distinct codes: the coin is known from z.
    maps, _ = MAPS(heads)
    z = echo_noise.draw_from_bank(KEY, maps, jnp.arange(1000), 30)
    assert not bool(jnp.any((z > 0.34) & (z < 0.66)))


def test_constant_codes_and_the_floor_are_warned_of():
    dim = 4
    m = np.zeros((50, dim))
    m[:, 0] = np.linspace(-0.5, 0.5, 50)
    m[:, 1] = 0.2
    s = np.full((50, dim), 0.1)
    found = EXACTNESS(NOISE, heads_of(NOISE, m, s), 100.0)
    assert int(found.dead) == 3 and not bool(found.at_floor)
    floor = EXACTNESS(
        NOISE, Heads(random_heads(dim=dim).location, jnp.full((32, dim), 9.0)), 100.0
    )
    assert bool(floor.at_floor) and int(floor.dead) == 0
    assert float(floor.rate) == pytest.approx(dim * NOISE.floor, rel=0.01)
    assert float(floor.floor) == pytest.approx(-dim * np.log(NOISE.radius), rel=1e-6)


def test_the_floor_of_the_papers_depth():
    assert 32 * autoencoders.echo(99).floor == pytest.approx(5.74, abs=5e-3)


def test_noise_for_held_out_examples_comes_from_the_bank():
    stored, _ = MAPS(random_heads(jax.random.key(1), 40))
    depth = autoencoders.needed_depth(stored, tolerance=autoencoders.ECHO_TOLERANCE)
    assert depth <= NOISE.depth
    channel = NOISE.given_bank(stored, depth)
    heads = random_heads(batch=5)
    changed = Heads(heads.location.at[1:].add(1.0), heads.scale.at[1:].add(1.0))
    codes, others = channel(KEY, heads), channel(KEY, changed)
    # Other test examples have no say in a code, and a batch of one has noise.
    np.testing.assert_array_equal(codes.latents[0], others.latents[0])
    alone = channel(KEY, Heads(heads.location[:1], heads.scale[:1]))
    np.testing.assert_allclose(alone.latents[0], codes.latents[0], rtol=1e-6)
    np.testing.assert_array_equal(codes.rates, MAPS(heads)[1])
    moved = Maps(stored.locations + 0.3, stored.scales)
    shifted = NOISE.given_bank(moved, depth)(KEY, heads)
    assert float(jnp.abs(shifted.latents - codes.latents).max()) > 1e-3
    assert float(codes.tail) <= 2 * autoencoders.ECHO_TOLERANCE


def test_bank_and_batch_draw_one_law():
    """Codes with noise from the batch, and from a bank of the same population.

    And what is generated from, the marginal, is the law of the codes of the population.
    """
    heads = random_heads(batch=400, dim=2)
    maps, _ = MAPS(heads)
    keys = jax.random.split(KEY, 300)
    moments = []
    for channel in (NOISE.channel, NOISE.given_bank(maps, NOISE.depth)):
        z = jax.jit(jax.vmap(lambda k, c=channel: c(k, heads).latents))(keys)
        both = np.concatenate([z, np.asarray(z) ** 2], -1).reshape(300, -1)
        moments.append((both.mean(0), both.std(0) / np.sqrt(300)))
    (a, error_a), (b, error_b) = moments
    scores = (a - b) / np.hypot(error_a, error_b)
    assert np.mean(scores**2) == pytest.approx(1, abs=0.15)
    pooled = both.reshape(300, 400, 4).mean(1)
    draws = NOISE.marginal(maps, NOISE.depth)(jax.random.key(1), 20_000)
    generated = np.concatenate([draws, np.asarray(draws) ** 2], -1)
    errors = (a.std(0) / np.sqrt(len(a)) for a in (pooled, generated))
    gap = np.abs(generated.mean(0) - pooled.mean(0))
    assert np.all(gap < 4 * np.hypot(*errors))


@pytest.mark.parametrize("full", [False, True])
def test_the_channel_is_the_same_compiled_and_mapped(full):
    heads = random_heads(full=full)
    codes = NOISE.channel(KEY, heads)
    compiled = CHANNEL(KEY, heads)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        codes,
        compiled,
    )
    keys = jnp.stack([KEY, jax.random.key(1)])
    mapped = jax.jit(jax.vmap(NOISE.channel, (0, None)))(keys, heads)
    for one, latents in zip(keys, mapped.latents, strict=True):
        again = CHANNEL(one, heads).latents
        np.testing.assert_allclose(latents, again, rtol=1e-4, atol=1e-5)


def test_rates_stay_exact_where_scales_underflow():
    heads = Heads(jnp.zeros((30, 2)), jnp.full((30, 2), -300.0))
    (rates, slope) = jax.value_and_grad(
        lambda scale: jnp.mean(MAPS(Heads(heads.location, scale))[1])
    )(heads.scale)
    assert float(rates) == pytest.approx(2 * (300 + NOISE.floor), rel=1e-6)
    np.testing.assert_allclose(slope, -1 / 30, rtol=1e-5)
    codes = CHANNEL(KEY, heads)
    assert bool(jnp.isfinite(codes.latents).all())


def test_a_code_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        autoencoders.echo(0)
    with pytest.raises(ValueError, match="a batch of 8 has 7 other items"):
        NOISE.channel(KEY, random_heads(batch=8))
