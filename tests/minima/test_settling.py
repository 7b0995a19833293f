"""One point settled as a pure function, and how its minimum moves."""

import jax
import jax.numpy as jnp
import landscapes
import numpy as np
import pytest

from jaxgan import minima, networks

STRICT, KINK = map(minima.STATUSES.index, ["strict", "kink"])
PRIOR_WEIGHT = 0.03
STEP = 1e-4
"""Of differences. Points are settled to 1e-10, so that this leaves errors of 1e-6."""


@pytest.fixture(scope="module")
def toy():
    """A toy generator, its target, starts, and where the driver settles them."""
    _, generator, target = landscapes.toy(0)
    starts = np.random.default_rng(0).normal(size=(24, 2)) * 2.5
    ends = minima.settle_many(
        generator, starts, target[None], np.zeros(24, int), prior_weight=PRIOR_WEIGHT
    )
    assert {STRICT, KINK} <= set(ends.certificates.status.tolist())
    return generator, target, starts, ends


def moved(generator, direction, length):
    """Return the generator with its weights moved in a direction."""
    params = jax.tree.map(lambda p, d: p + length * d, generator.params, direction)
    return networks.FinishedGenerator(generator.network, params)


@pytest.fixture(scope="module")
def ways(toy):
    """A random direction of the weights, and one of the image."""
    generator, target, _, _ = toy
    rng = np.random.default_rng(1)
    weights = jax.tree.map(lambda p: rng.normal(size=p.shape), generator.params)
    return weights, rng.normal(size=target.shape)


@pytest.fixture(scope="module")
def settle(toy, ways):
    """One program: it settles a point, weights, image and κ moved by three lengths."""
    generator, target, _, _ = toy

    def one(change, latent):
        exact = generator.as_type(jnp.float64)
        return minima.settle(
            moved(exact, ways[0], change[0]),
            latent,
            target + change[1] * ways[1],
            prior_weight=PRIOR_WEIGHT * (1 + change[2]),
        )

    return one, jax.jit(jax.vmap(one))


@pytest.fixture(scope="module")
def unmoved(toy, settle):
    """All starts, settled in one program."""
    with jax.enable_x64(True):
        return settle[1](jnp.zeros((24, 3)), jnp.asarray(toy[2]))


@pytest.fixture(scope="module")
def outcome(settle):
    """The settled point and its error, as one vector."""

    def one(change, latent):
        found = settle[0](change, latent)
        return jnp.append(found.latent, found.error)

    return one


@pytest.fixture(scope="module")
def forward(outcome):
    """Derivatives of the outcomes of all starts by the three lengths."""
    return jax.jit(jax.vmap(jax.jacfwd(outcome)))


@pytest.mark.usefixtures("in_double")
def test_many_points_in_one_program_end_where_the_driver_ends(toy, unmoved):
    ends = toy[3]
    assert np.abs(unmoved.latent - ends.latents).max() < 1e-9
    assert (unmoved.certificate.status == ends.certificates.status).all()
    assert (unmoved.held == ends.held).all()
    assert np.allclose(unmoved.error, ends.errors, rtol=1e-12, atol=0)


@pytest.mark.usefixtures("in_double")
def test_a_minimum_moves_as_the_problem_solved_anew(settle, forward, unmoved):
    every = settle[1]
    status, certificate = unmoved.certificate.status, unmoved.certificate
    proved = (status == STRICT) | (status == KINK)
    # So far from the next facet that a finite step does not reach it.
    far = proved & (certificate.radius > 1e-3) & (certificate.margin > 1e-3)
    assert {STRICT, KINK} <= set(status[far].tolist())

    slopes = forward(jnp.zeros((24, 3)), unmoved.latent)
    for i in range(3):
        step = jnp.zeros((24, 3)).at[:, i].set(STEP)
        ahead, behind = every(step, unmoved.latent), every(-step, unmoved.latent)
        assert (ahead.certificate.status == behind.certificate.status)[far].all()
        latents = (ahead.latent - behind.latent)[far] / (2 * STEP)
        errors = (ahead.error - behind.error)[far] / (2 * STEP)
        scale = jnp.abs(latents).max(1, keepdims=True)
        assert (jnp.abs(slopes[far, :2, i] - latents) < 1e-5 * scale).all()
        assert jnp.allclose(slopes[far, 2, i], errors, rtol=1e-5, atol=1e-9)


@pytest.mark.usefixtures("in_double")
def test_reverse_mode_agrees_and_both_are_nan_where_there_is_no_minimum(
    outcome, forward, unmoved
):
    # With κ below zero the objective falls for ever.
    changes = jnp.zeros((24, 3)).at[::2, 2].set(-100.0)
    reverse = jax.jit(jax.vmap(jax.jacrev(outcome)))(changes, unmoved.latent)
    found = forward(changes, unmoved.latent)
    assert jnp.isnan(found[::2]).all() and jnp.isnan(reverse[::2]).all()
    status = unmoved.certificate.status[1::2]
    proved = (status == STRICT) | (status == KINK)
    assert {STRICT, KINK} <= set(status[proved].tolist())
    found, reverse = found[1::2][proved], reverse[1::2][proved]
    assert jnp.abs(found).max() > 0.01
    assert jnp.allclose(found, reverse, rtol=1e-9, atol=1e-12)


def test_a_negative_weight_is_refused(toy, in_double):
    generator, target, starts, _ = toy
    with pytest.raises(ValueError, match="prior_weight must be ≥ 0, got -0.1"):
        minima.settle(
            generator,
            jnp.asarray(starts[0]),
            jnp.asarray(target),
            prior_weight=-0.1,
        )


def test_single_precision_is_refused(toy):
    generator, target, starts, _ = toy
    with pytest.raises(ValueError, match="double precision"):
        minima.settle(generator, jnp.asarray(starts[0]), jnp.asarray(target))
