"""The codes of images: min over z of ½‖G(z) − x‖², from many starts for many images.

Each start goes its own way by Levenberg-Marquardt steps; all that are still going are
one batch of one compiled program, and starts that are finished leave it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxgan import levenberg_marquardt as lm
from jaxgan.rounds import run_rounds
from jaxgan.starts import nearest_starts, prior_starts, sample_bank
from jaxgan.types import Examples, Latents, PRNGKey

ROUND = 5
SINGLE_TOLERANCE = 1e-4
DOUBLE_TOLERANCE = 1e-10


class Inversion(NamedTuple):
    """What was found from every start of every image.

    Attributes:
        latents: where the start ended, in double precision.
        errors: mean squared error per pixel, pixels in [0, 1]; infinite for a start
            where nothing was finite.
        steps: Levenberg-Marquardt steps taken.
        finished: whether it ended because steps gained nothing any more; False where
            it was given up for better starts, or the steps ran out.
    """

    latents: Float[np.ndarray, "images starts latent"]
    errors: Float[np.ndarray, "images starts"]
    steps: Int[np.ndarray, "images starts"]
    finished: Bool[np.ndarray, "images starts"]

    def best(self) -> Float[np.ndarray, "images latent"]:
        """Give the code with the least error for each image."""
        chosen = self.errors.argmin(1)
        return self.latents[np.arange(len(chosen)), chosen]


def invert(
    generate: Callable[[Latents], Examples],
    key: PRNGKey,
    targets: Examples,
    *,
    latent_dim: int,
    num_starts: int,
    survivors: int | None = None,
    bank_size: int = 10_000,
    prior_weight: float = 0.0,
    max_steps: int = 60,
    double_steps: int = 20,
    chunk: int = 256,
    first_image: int = 0,
) -> Inversion:
    """Find codes of images.

    What is found depends on key, number of the image and number of the start only
    (beyond rounding): not on the other images, nor on `chunk`.

    Args:
        generate: from latents to images, a pure function that computes in the
            precision of its latents.
        key: of the starts.
        targets: in the networks' units.
        latent_dim: number of latent dimensions.
        num_starts: for each image. Half of them are the codes of nearest samples.
        survivors: give up the worse half of an image's starts after every five steps,
            until so many are left; None: every start goes on to its end.
        bank_size: samples to choose nearest ones from; 0: all starts from the prior.
        prior_weight: κ of an additional ½κ‖z‖²: the variance of Gaussian pixel noise,
            in the networks' units, makes the minimum the most probable code.
        max_steps: most steps in single precision.
        double_steps: most steps in double precision, after these.
        chunk: starts advanced at a time; bounds the memory.
        first_image: number of the first of the targets.

    Raises:
        ValueError: if a number is out of range, or `generate` does not compute in
            double precision for latents in double precision.
    """
    if num_starts < 1 or not 1 <= (survivors or 1) <= num_starts:
        raise ValueError(
            f"survivors must be in 1…num_starts, got {survivors} of {num_starts}"
        )
    if prior_weight < 0:
        raise ValueError(f"prior_weight must be ≥ 0, got {prior_weight}")
    bank_key, prior_key = jax.random.split(key)
    numbers = first_image + jnp.arange(len(targets))
    num_near = min(num_starts // 2, bank_size)
    latents = prior_starts(prior_key, numbers, num_starts - num_near, latent_dim)
    if num_near:
        bank = sample_bank(generate, bank_key, bank_size, latent_dim)
        near = nearest_starts(bank, targets.reshape(len(targets), -1), num_near)
        latents = jnp.concatenate([near, latents], 1)
    latents = latents.reshape(-1, latent_dim)
    owners = np.repeat(np.arange(len(targets)), num_starts)
    search = partial(
        _search,
        generate,
        owners=owners,
        prior_weight=prior_weight,
        chunk=chunk,
    )
    latents, values, steps, _, alive = search(
        np.asarray(latents),
        targets=np.asarray(targets),
        alive=np.ones(len(owners), bool),
        survivors=survivors,
        tolerance=SINGLE_TOLERANCE,
        max_steps=max_steps,
    )
    with jax.enable_x64(True):
        latents = latents.astype(np.float64)
        _require_double(generate, latents[:1])
        latents, values, more, finished, _ = search(
            latents,
            targets=np.asarray(targets, np.float64),
            alive=alive,
            survivors=None,
            tolerance=DOUBLE_TOLERANCE,
            max_steps=double_steps,
        )
        errors = _errors(generate, latents, np.asarray(targets, np.float64), owners)
    shape, finite = (len(targets), num_starts), np.isfinite(values)
    return Inversion(
        latents.reshape(*shape, -1),
        np.where(finite, errors, np.inf).reshape(shape),
        (steps + more).reshape(shape),
        (finished & alive & finite).reshape(shape),
    )


def _require_double(generate: Callable[[Any], Any], latents: np.ndarray) -> None:
    if generate(jnp.asarray(latents)).dtype != jnp.float64:
        raise ValueError("generate must compute in the precision of its latents")


def _search(
    generate: Callable[[Latents], Examples],
    latents: np.ndarray,
    *,
    targets: np.ndarray,
    owners: np.ndarray,
    alive: np.ndarray,
    survivors: int | None,
    prior_weight: float,
    tolerance: float,
    max_steps: int,
    chunk: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Advance starts round by round: latents, values, steps, finished, alive."""
    everything = jnp.asarray(targets)
    weight = float(prior_weight)

    @jax.jit
    def begin(latents, owners):
        return jax.vmap(lambda z, i: lm.start(generate, z, everything[i], weight))(
            latents, owners
        )

    @jax.jit
    def advance(states, owners):
        def one(state, owner):
            target = everything[owner]
            return jax.lax.fori_loop(
                0, ROUND, lambda _, s: lm.step(generate, s, target, weight), state
            )

        return jax.vmap(one)(states, owners)

    states = begin(jnp.asarray(latents), jnp.asarray(owners))
    steps = np.zeros(len(owners), int)
    finished = ~np.isfinite(np.asarray(states.value))
    for _ in range(-(-max_steps // ROUND)):
        active = alive & ~finished
        if not active.any():
            break
        before = np.asarray(states.value)
        states = run_rounds(advance, states, jnp.asarray(owners), active, chunk=chunk)
        steps += ROUND * active
        values = np.asarray(states.value)
        finished |= active & (values > (1 - tolerance) * before)
        if survivors is not None:
            alive = _better_half(values, alive, owners, survivors)
    return np.asarray(states.latent), np.asarray(states.value), steps, finished, alive


def _better_half(
    values: np.ndarray, alive: np.ndarray, owners: np.ndarray, survivors: int
) -> np.ndarray:
    """Give up the worse half of the starts of every image; ties by start number."""
    images = owners.max() + 1
    values = np.where(alive, values, np.inf).reshape(images, -1)
    left = alive.reshape(images, -1).sum(1, keepdims=True)
    rank = values.argsort(1, kind="stable").argsort(1, kind="stable")
    return (rank < np.maximum(survivors, -(-left // 2))).reshape(-1) & alive


def _errors(
    generate: Callable[[Latents], Examples],
    latents: np.ndarray,
    targets: np.ndarray,
    owners: np.ndarray,
) -> np.ndarray:
    """Mean squared error per pixel with pixels brought to [0, 1]."""
    everything = jnp.asarray(targets)

    def one(item):
        latent, owner = item
        difference = generate(latent[None])[0] - everything[owner]
        return jnp.mean((difference / 2) ** 2)

    program = jax.jit(lambda items: jax.lax.map(one, items, batch_size=1000))
    return np.asarray(program((jnp.asarray(latents), jnp.asarray(owners))))
