"""What a certificate of a minimum rests on."""

import jax
import jax.numpy as jnp
import landscapes
import numpy as np

from jaxgan import minima
from jaxgan.minima import certificates, faces


def test_the_hessian_changes_no_faster_than_its_bound():
    _, generator, target = landscapes.toy(1, latent_dim=3)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)

        @jax.jit
        @jax.vmap
        def change_and_bound(latent, direction):
            state = faces.start(exact, latent)
            here = faces.local(exact, state, x)
            norms = jnp.linalg.norm(here.normals, axis=1)
            radius = jnp.min(jnp.abs(here.units) / norms)
            length = 0.9 * radius
            move = length * direction / jnp.linalg.norm(direction)
            there = faces.local(exact, faces.start(exact, latent + move), x)
            change = jnp.linalg.norm(there.hessian - here.hessian, 2)
            bound = certificates.hessian_lipschitz(exact, state, radius)
            return change, bound * length

        draws = np.random.default_rng(0).normal(size=(2, 20, 3))
        changes, bounds = map(np.asarray, change_and_bound(*jnp.asarray(draws)))
    assert (changes > 0).any() and (changes <= bounds * (1 + 1e-9)).all()


def test_what_is_no_minimum_is_not_called_one():
    _, generator, target = landscapes.toy(0)
    with jax.enable_x64(True):
        exact, x = generator.as_type(jnp.float64), jnp.asarray(target)

        @jax.jit
        @jax.vmap
        def status(latent):
            return minima.certify(exact, faces.start(exact, latent), x).status

        latents = np.random.default_rng(0).normal(size=(50, 2))
        found = np.asarray(status(jnp.asarray(latents)))
    assert (found == minima.STATUSES.index("not_stationary")).all()
