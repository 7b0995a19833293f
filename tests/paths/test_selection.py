"""Several starts of a pair: which of them are refined, and what that is worth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths
from jaxgan.paths import selection

KEYS = jax.random.split(jax.random.key(0), 5)
WAVES, DIMENSIONS, PAIRS = 20, 4, 8
FREQUENCIES = 1.5 * jax.random.normal(KEYS[0], (DIMENSIONS, WAVES))
PHASES = 2 * jnp.pi * jax.random.uniform(KEYS[1], (1, WAVES))
HEIGHTS = jax.random.normal(KEYS[2], (WAVES,)) / 2
ENDS = jax.random.normal(KEYS[3], (2, PAIRS, DIMENSIONS))


def rough(latents):
    """A metric of random waves, with many ways between two codes."""
    return jnp.exp(jnp.sin(latents @ FREQUENCIES + PHASES) @ HEIGHTS)


def least(num_starts):
    return paths.minimise_many(
        paths.common(rough),
        *ENDS,
        levels=(4, 8, 16),
        num_starts=num_starts,
        key=KEYS[4],
    )


def test_more_starts_never_end_above_one():
    """Where the choice is made on the coarsest level alone, some pairs do."""
    one, several = least(1), least(8)
    ratios = several.energies[:, -1] / one.energies[:, -1]
    assert ratios.max() < 1 + 1e-3
    assert ratios.min() < 0.9
    coarsest = several.spread.argmin(1)
    assert (coarsest > 0).any()  # the straight line is not the best one there


def test_the_work_of_all_starts_is_counted():
    one, several = least(1), least(8)
    assert several.evaluations.shape == (PAIRS, 3) and several.spread.shape == (
        PAIRS,
        8,
    )
    assert (several.evaluations[:, 0] >= 8).all()
    # Two starts are left on the finest level.
    assert (several.evaluations[:, -1] > one.evaluations[:, -1]).all()
    np.testing.assert_array_equal(several.history[:, -1], several.energies[:, -1])


@pytest.mark.parametrize(
    ("starts", "levels", "left"),
    [(1, 3, (1, 1, 1)), (2, 3, (2, 2, 2)), (8, 4, (8, 4, 2, 2)), (5, 3, (5, 3, 2))],
)
def test_half_of_the_starts_go_on(starts, levels, left):
    assert selection.starts_on_levels(starts, levels) == left


def test_the_straight_line_goes_on_with_the_best_of_the_others():
    energies = jnp.array([[9.0, 3.0, 1.0, 2.0], [0.0, jnp.inf, 5.0, jnp.nan]])
    chosen = selection.choose(energies, 3)
    np.testing.assert_array_equal(chosen, [[0, 2, 3], [0, 2, 1]])
    np.testing.assert_array_equal(selection.choose(energies[:, :1], 1), [[0], [0]])
    taken = selection.take({"a": energies}, chosen)["a"]
    np.testing.assert_array_equal(taken[0], [9.0, 1.0, 2.0])
