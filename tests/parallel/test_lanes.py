"""Many searches side by side, each as if it were alone."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import parallel


def test_lanes_do_each_item_as_a_loop_would():
    goals = jnp.array([3, 1, 4, 1, 5, 9, 2, 6])

    def run(number):
        return parallel.run_in_lanes(
            begin=lambda item: (item[0] * 0, item[1]),
            advance=lambda item, state: (state[0] + 1, state[1] + item[0]),
            finished=lambda state: state[0] >= state[1] // 1000,
            outcome=lambda state: (state[0], state[1] % 1000),
            items=(goals, goals * 1000),
            lanes=number,
        )

    for number in (1, 3, 8, 20):
        steps, sums = jax.jit(run, static_argnums=0)(number)
        np.testing.assert_array_equal(steps, goals)
        np.testing.assert_array_equal(sums, goals * goals)
