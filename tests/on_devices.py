"""The same work on however many devices there are: `python on_devices.py OUT.npz`."""

import re
import sys
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import gan, inversion, minima, networks, parallel, paths, training

STEPS, BATCH = 20, 24
COLLECTIVES = (
    "all-gather",
    "all-reduce",
    "all-to-all",
    "collective-permute",
    "reduce-scatter",
)


def adversaries():
    generator = networks.mlp_generator(4, (16, 32), shape=(6,))
    return generator, networks.mlp_critic((32, 16), shape=(6,))


def trained(mesh):
    """A WGAN-GP after a few steps in double precision, where rounding is far below."""
    with jax.enable_x64(True):
        algorithm = gan.wgan_gp(*adversaries(), critic_steps=2)
        states = jax.vmap(algorithm.init)(jax.random.split(jax.random.key(0), 2))
        states = jax.tree.map(as_double, states)
        points = jax.random.normal(jax.random.key(1), (500, 6), jnp.float64)
        if mesh is not None:
            states, points = parallel.replicate((states, points), mesh)
        run = partial(training.run_steps, algorithm, batch_size=BATCH, mesh=mesh)
        both, _ = jax.jit(jax.vmap(lambda state: run(state, points, STEPS)))(states)
        state, metrics = training.chunk(
            algorithm,
            jax.tree.map(itemgetter(0), states),
            points,
            STEPS,
            batch_size=BATCH,
            mesh=mesh,
        )
        return {
            "weights": weights_of(state),
            "weights_of_two": weights_of(both),
            "estimate": np.asarray(metrics.wasserstein_estimate),
        }


def communication(mesh):
    """The kinds of collectives in the compiled training of either algorithm."""
    kinds = set()
    for make in (gan.vanilla_gan, gan.wgan_gp):
        algorithm = make(*adversaries())
        state, points = parallel.replicate(
            (algorithm.init(jax.random.key(0)), jnp.zeros((500, 6))), mesh
        )
        program = training.chunk.lower(
            algorithm, state, points, 2, batch_size=BATCH, mesh=mesh
        ).compile()
        text = str(program.as_text())
        kinds |= set(re.findall(rf" ({'|'.join(COLLECTIVES)})\(", text))
    return sorted(kinds)


def weights_of(state):
    leaves = jax.tree.leaves((state.generator, state.average, state.critic))
    return np.concatenate([np.asarray(leaf).ravel() for leaf in leaves])


def as_double(leaf):
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    return leaf.astype(jnp.float64) if floating else leaf


def found():
    """Codes, their minima, and paths between them."""
    network = networks.mlp_generator(3, (8, 16), shape=(12,), batch_norm=False)
    params = jax.tree.map(lambda p: 1.5 * p, network.init(jax.random.key(1)))
    generator = networks.FinishedGenerator(network.plain, params)
    true = jax.random.normal(jax.random.key(2), (5, 3))
    images = generator.generate(true)
    targets = np.asarray(images)
    codes = inversion.invert_many(
        jax.random.key(3), generator, images, num_starts=4, chunk=8
    )
    settled = minima.settle_many(
        generator,
        codes.latents.reshape(-1, 3),
        targets,
        np.repeat(np.arange(5), 4),
        prior_weight=0.01,
        chunk=8,
    )
    metrics = paths.between_images(generator)
    items = images[:-1], images[1:]
    walked = paths.minimise_many(metrics, true[:-1], true[1:], items, levels=(8, 16))
    record = paths.record_paths(jax.random.key(4), metrics, walked.paths, items)
    return {
        # Where steps ran out, rounding decides how far they came.
        "errors": np.where(codes.finished, codes.errors, np.nan),
        "latents": codes.best(),
        "settled": settled.errors,
        "statuses": settled.certificates.status,
        "paths": walked.paths,
        "energies": walked.energies,
        "decrements": record.decrement,
    }


if __name__ == "__main__":
    several = parallel.mesh()
    alone = {f"alone_{name}": value for name, value in trained(None).items()}
    np.savez(
        sys.argv[1],
        devices=several.size,
        communication=communication(several),
        **alone,
        **trained(several),
        **found(),
    )
