"""Cost of sampling Echo noise in training: `python -m benchmarks.echo` prints JSON.

A training step of an autoencoder of images is timed with each of the samplers and
without noise, in turns. The cost of a sampler, with its gradient, is the difference; it
is reported as a share of the whole step, the median over rounds. The samplers alone,
with their gradients, are timed at several depths.
"""

import json
import statistics
from collections.abc import Callable

import jax
import jax.numpy as jnp

from benchmarks.flags import command_line
from benchmarks.machine import machine
from benchmarks.measuring import seconds, training_program
from jaxgan import autoencoders, training
from jaxgan.autoencoders import Maps
from jaxgan.networks import mlp_decoder, mlp_encoder
from jaxgan.types import Latents, PRNGKey

NUM_IMAGES = 4000
SAMPLERS = {"ring": autoencoders.ring, "in_batch": autoencoders.in_batch}


def noiseless(key: PRNGKey, maps: Maps, depth: int) -> Latents:
    """Return the locations, without noise."""
    del key, depth
    return maps.locations


def step_program(
    sampler: autoencoders.Sampler, batch: int, depth: int, latent_dim: int, units: int
) -> tuple[Callable[[], None], float]:
    """Compile one epoch of training steps; see `training_program`."""
    model = autoencoders.Autoencoder(
        mlp_encoder(latent_dim, (units,)),
        mlp_decoder(latent_dim, (units,)),
        autoencoders.echo(depth, sampler=sampler).channel,
        autoencoders.bernoulli_distortion,
    )
    trained = autoencoders.autoencoding(
        model,
        optimizer=training.adam(1e-3, 0.9, 0.999),
        redraw=autoencoders.binarise,
    )
    steps = NUM_IMAGES // batch
    return training_program(trained, NUM_IMAGES, steps, batch_size=batch)


def sampler_program(
    sampler: autoencoders.Sampler, batch: int, depth: int, latent_dim: int, calls: int
) -> Callable[[], object]:
    """Return a compiled function that calls a sampler and its gradient many times."""
    maps = Maps(
        jax.random.normal(jax.random.key(0), (batch, latent_dim)),
        jnp.full((batch, latent_dim), 0.5),
    )

    def once(maps: Maps, key: PRNGKey) -> tuple[Maps, None]:
        slope = jax.grad(lambda maps: jnp.sum(sampler(key, maps, depth) ** 2))(maps)
        return jax.tree.map(lambda a, b: a - 1e-9 * b, maps, slope), None

    @jax.jit
    def all_(maps: Maps) -> Maps:
        return jax.lax.scan(once, maps, jax.random.split(jax.random.key(2), calls))[0]

    return lambda: all_(maps)


def measure(
    batch: int, depth: int, latent_dim: int, units: int, rounds: int
) -> dict[str, object]:
    """Return the times of steps with and without samplers, medians over rounds."""
    compiled = {
        name: step_program(sampler, batch, depth, latent_dim, units)
        for name, sampler in {"none": noiseless, **SAMPLERS}.items()
    }
    programs = {name: run for name, (run, _) in compiled.items()}
    steps, calls = NUM_IMAGES // batch, 50
    alone = {
        f"{name}_{terms}": sampler_program(sampler, batch, terms, latent_dim, calls)
        for name, sampler in SAMPLERS.items()
        for terms in sorted({depth // 4, depth, batch - 1})
    }
    for run in (*programs.values(), *alone.values()):
        jax.block_until_ready(run())
    times: dict[str, list[float]] = {name: [] for name in (*programs, *alone)}
    for _ in range(rounds):
        for name, run in programs.items():
            times[name].append(1000 * seconds(run) / steps)
        for name, run in alone.items():
            times[name].append(1000 * seconds(run) / calls)

    def share(name: str) -> float:
        each = zip(times[name], times["none"], strict=True)
        return statistics.median(1 - none / step for step, none in each)

    return {
        "batch_size": batch,
        "depth": depth,
        "latent_dim": latent_dim,
        "units": units,
        "compile_seconds": sum(spent for _, spent in compiled.values()),
        "step_ms": {name: statistics.median(times[name]) for name in programs},
        "sampler_share_of_step": {name: share(name) for name in SAMPLERS},
        "sampler_alone_share_of_step": {
            name: statistics.median(times[f"{name}_{depth}"])
            / statistics.median(times[name])
            for name in SAMPLERS
        },
        "sampler_ms": {name: statistics.median(times[name]) for name in alone},
    }


def main() -> None:
    """Print one JSON object."""
    flags = command_line(
        __doc__,
        batch_size=(128, "images in each batch"),
        depth=(64, "terms of the noise, fewer than --batch-size"),
        latent_dim=(32, "dimensions of the latent space"),
        units=(500, "width of the hidden layers"),
        rounds=(15, "how often everything is timed"),
    ).parse_args()
    result = measure(
        flags.batch_size, flags.depth, flags.latent_dim, flags.units, flags.rounds
    )
    print(json.dumps({**machine(), **result}, indent=2))


if __name__ == "__main__":
    main()
