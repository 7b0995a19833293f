"""Exactness of the path penalty's gradient: `python -m benchmarks.path_gradient`.

The penalty keeps pairs of codes and improves their paths a little at every use. After
some uses, its gradient by the weights of a generator is computed on straight lines, on
the paths that it keeps, and on paths of as many segments with the least energy. Each is
compared with the gradient on paths of 64 segments with the least energy. Prints JSON:
the cosine and the relative error of each.
"""

import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benchmarks.flags import command_line
from benchmarks.machine import machine
from jaxgan import networks, paths, storage
from jaxgan.gan import log_rho, path_energy_penalty

USES = 16
"""Uses of the penalty before its gradient is measured."""
FINEST = (8, 16, 32, 64)
"""Segments of the exact paths, level by level."""


def main() -> None:
    """Print one JSON object."""
    line = command_line(
        __doc__,
        pairs=(8, "pairs of codes that the penalty keeps"),
        renewed=(2, "pairs that are drawn anew at every use"),
        steps=(8, "steps of the path minimiser at every use"),
    )
    line.add_argument(
        "--checkpoint", default="mnist-wgan-gp", help="shipped model or model folder"
    )
    flags = line.parse_args()
    trained = storage.load_generator(flags.checkpoint)
    options = storage.load_card(flags.checkpoint)["parts"]["generator"]["options"]
    generator = networks.mlp_generator(**options, batch_norm=False)
    penalty = path_energy_penalty(
        generator, pairs=flags.pairs, renewed=flags.renewed, steps=flags.steps
    )
    apply = jax.jit(penalty.apply)
    memory = penalty.init()
    for number in range(USES):
        _, memory = apply(trained.params, jax.random.key(number), memory)
    held = memory.paths
    starts, ends = held[:, 0], held[:, -1]
    segments = held.shape[1] - 1

    @jax.jit
    def gradient(found: Float[Array, "pairs knots latent"]):
        half = jnp.full((found.shape[0], found.shape[1] - 1), 0.5)

        def mean(params):
            generate = partial(generator.apply, params)
            return jnp.mean(log_rho(generate, found, half))

        return jax.value_and_grad(mean)(trained.params)

    def flat(found) -> tuple[float, np.ndarray]:
        value, tree = gradient(jnp.asarray(found))
        leaves = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)]
        return float(value), np.concatenate(leaves).astype(np.float64)

    def minimised(levels: tuple[int, ...]) -> np.ndarray:
        metrics = paths.between_images(trained)
        items = trained.generate(starts), trained.generate(ends)
        return paths.minimise_many(
            metrics,
            starts,
            ends,
            items,
            levels=levels,
            tolerance=1e-7,
            max_evaluations=200,
        ).paths

    lines = jax.vmap(lambda a, b: paths.line(a, b, segments))(starts, ends)
    best, exact = flat(minimised(FINEST))
    rows: dict[str, dict[str, float]] = {}
    for name, found in {
        "lines": lines,
        "kept paths": held,
        "minimised, as many segments": minimised((segments,)),
    }.items():
        value, slope = flat(found)
        norms = np.linalg.norm(slope) * np.linalg.norm(exact)
        rows[name] = {
            "log_rho": value,
            "cosine": float(slope @ exact / norms),
            "relative_error": float(
                np.linalg.norm(slope - exact) / np.linalg.norm(exact)
            ),
        }
    result = {**machine(), **vars(flags), "log_rho": best, "gradients": rows}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
