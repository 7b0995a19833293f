"""How soon samples are good: `python -m benchmarks.first_picture` prints JSON.

A WGAN-GP is trained on the embedded digits, as `python -m experiments.wgan --dataset
sample` trains it, and with a critic of pixels as they are and Adam's step size of 5e-4
without momentum, as the models that ship were trained. The Fréchet distance is that of
1,000 samples to the 1,000 held-out digits. One run each: other seeds differ by a tenth.
"""

import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.flags import command_line
from benchmarks.machine import machine
from experiments.reporting.judging import draw
from experiments.running import optimizers
from experiments.wgan import Config
from jaxgan import data, evaluation, gan, networks, pixels, storage, training
from jaxgan.training import Algorithm


def trainings(
    of_wgan: Config, generator: networks.Generator, images: np.ndarray
) -> dict[str, Algorithm]:
    """Return what is compared: the defaults of `wgan`, and the settings before them."""
    falling, same = optimizers.adams(
        of_wgan.learning_rate,
        of_wgan.decay_after,
        of_wgan.beta1,
        of_wgan.beta2,
        critic_steps=1,
    )
    plain = networks.mlp_critic()
    centred = networks.centred(plain, pixels.mean_input(images))
    return {
        "default": gan.wgan_gp(
            generator, centred, generator_optimizer=falling, critic_optimizer=same
        ),
        "pixels": gan.wgan_gp(generator, plain),
    }


def measure(steps: int, seed: int) -> dict[str, Any]:
    """Return the Fréchet distance and the seconds of each training."""
    classify = storage.load_classifier()
    real, heldout = (data.load("sample", split).images for split in ("train", "test"))
    reference = evaluation.features_of(classify, heldout)
    images = jnp.asarray(real)
    key = jax.random.key(seed)
    found = {}
    of_wgan = Config()
    generator = networks.mlp_generator(of_wgan.latent_dim)
    for name, algorithm in trainings(of_wgan, generator, real).items():
        started = time.perf_counter()
        state = algorithm.init(key)
        program = training.chunk.lower(
            algorithm, state, images, steps, batch_size=of_wgan.batch_size
        ).compile()
        compiled = time.perf_counter()
        state, _ = jax.block_until_ready(program(state, images))
        trained = time.perf_counter()
        finished = gan.finish(key, generator, state.average)
        if finished is None:
            raise SystemExit(f"{name}: the weights are not finite")
        samples = draw(key, finished, len(heldout))
        judged = evaluation.frechet_distance(
            key, evaluation.features_of(classify, samples).features, reference.features
        )
        found[name] = {
            "frechet_distance": judged.value,
            "sampling_error": judged.standard_error,
            "seconds": trained - compiled,
            "compile_seconds": compiled - started,
        }
    return {"steps": steps, "seed": seed, "trainings": found}


def main() -> None:
    """Print one JSON object."""
    flags = command_line(
        __doc__,
        steps=(3100, "steps of each training; 62 are an epoch"),
        seed=(0, "of the weights, the order of the data and the samples"),
    ).parse_args()
    result = measure(flags.steps, flags.seed)
    print(json.dumps({**machine(), **result}, indent=2))


if __name__ == "__main__":
    main()
