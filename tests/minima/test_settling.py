"""One point settled as a pure function, and how its minimum moves."""

import jax
import jax.numpy as jnp
import landscapes
import numpy as np
import pytest

from jaxgan import minima, networks

STRICT, KINK = map(minima.STATUSES.index, ["strict", "kink"])
PRIOR_WEIGHT = 0.03
STEP = 1e-6


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


@pytest.mark.usefixtures("in_double")
def test_many_points_in_one_program_end_where_the_driver_ends(toy, unmoved):
    ends = toy[3]
    assert np.abs(unmoved.latent - ends.latents).max() < 1e-9
    assert (unmoved.certificate.status == ends.certificates.status).all()
    assert (unmoved.held == ends.held).all()
    assert np.allclose(unmoved.error, ends.errors, rtol=1e-12, atol=0)


@pytest.mark.usefixtures("in_double")
def test_a_minimum_moves_as_the_problem_solved_anew(toy, settle, unmoved):
    one, every = settle
    status, certificate = unmoved.certificate.status, unmoved.certificate
    proved = (status == STRICT) | (status == KINK)
    # So far from the next facet that a finite step does not reach it.
    far = proved & (certificate.radius > 1e-3) & (certificate.margin > 1e-3)
    assert {STRICT, KINK} <= set(status[far].tolist())

    def outcome(change, latent):
        found = one(change, latent)
        return jnp.append(found.latent, found.error)

    slopes = jax.jit(jax.vmap(jax.jacfwd(outcome)))(jnp.zeros((24, 3)), unmoved.latent)
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
def test_reverse_mode_finds_the_derivative_and_nan_where_there_is_none(settle, unmoved):
    one, _ = settle
    kinks = unmoved.latent[unmoved.certificate.status == KINK]

    def code(change, latent):
        return one(change, latent).latent

    # With κ below zero the objective falls for ever.
    changes = jnp.array([[0.0, 0.0, 0.0], [0.0, 0.0, -100.0]])
    latents = jnp.stack([kinks[0], kinks[0]])
    reverse = jax.jit(jax.vmap(jax.jacrev(code)))(changes, latents)
    forward = jax.jit(jax.vmap(jax.jacfwd(code)))(changes, latents)
    assert np.abs(forward[0]).min() > 0
    assert np.allclose(forward[0], reverse[0], rtol=1e-10, atol=0)
    assert np.isnan(forward[1]).all() and np.isnan(reverse[1]).all()


def test_single_precision_is_refused(toy):
    generator, target, starts, _ = toy
    with pytest.raises(ValueError, match="double precision"):
        minima.settle(generator, jnp.asarray(starts[0]), jnp.asarray(target))
