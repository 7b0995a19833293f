"""How exact is the path penalty's gradient? `python -m benchmarks.path_gradient`.

By the weights of a shipped generator, for the pairs that the penalty holds after some
uses: on straight lines, on the paths that it has by then, on paths of as many segments
minimised to the end, each beside the gradient on paths of 64 segments minimised to the
end. Prints JSON; the cosine and the relative error of each.
"""

import argparse
import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benchmarks.measuring import machine
from jaxgan import networks, paths, storage
from jaxgan.gan import log_rho, path_energy_penalty

USES = 16
FINEST = (8, 16, 32, 64)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="mnist-wgan-gp")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--renewed", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8)
    flags = parser.parse_args()
    trained = storage.load_generator(flags.checkpoint)
    options = trained.card["parts"]["generator"]["options"]
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
        metrics = paths.between_images(trained.generate)
        items = trained.generate(starts), trained.generate(ends)
        return paths.minimise(
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
