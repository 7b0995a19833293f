"""Where the time goes when training is divided: one layer's gradient; prints JSON.

Each virtual device has rows of its own and the same weights; their gradients are summed
and given to Adam's second moment. XLA's partitioner, which divides a program by itself,
sums the gradient as it comes from the product, transposed, and all that follows reads
it across its rows. `shard_map` sums it as it is needed. All else is the same in both.
"""

import json

from benchmarks import virtual_devices
from benchmarks.flags import command_line

ROWS, INPUTS, OUTPUTS = 64, 1024, 784
"""Rows on each device; the last layer of the default generator."""
STEPS, REPEATS = 50, 5


def measure(devices: int) -> dict[str, float]:
    """Return the milliseconds of a step in both programs: the least of some calls."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding, PartitionSpec

    from benchmarks.measuring import seconds
    from jaxgan import parallel

    mesh = parallel.mesh()
    (axis,) = mesh.axis_names
    whole, divided = PartitionSpec(), PartitionSpec(axis)
    weights, x, y = parallel.replicate(
        (
            jnp.full((INPUTS, OUTPUTS), 1e-2),
            jnp.ones((ROWS * devices, INPUTS)),
            jnp.ones((ROWS * devices, OUTPUTS)),
        ),
        mesh,
    )

    def gradient(weights, x, y):
        def loss(weights):
            return jnp.sum(jnp.square(x @ weights - y)) / (ROWS * devices * OUTPUTS)

        return jax.grad(loss)(weights)

    def by_partitioner(weights, x, y):
        rows = NamedSharding(mesh, divided)
        x, y = jax.lax.with_sharding_constraint((x, y), rows)
        return gradient(weights, x, y)

    def by_hand(weights, x, y):
        def own(weights, x, y):
            varying = jax.lax.pcast(weights, axis, to="varying")
            return jax.lax.psum(gradient(varying, x, y), axis)

        return jax.shard_map(
            own, mesh=mesh, in_specs=(whole, divided, divided), out_specs=whole
        )(weights, x, y)

    def milliseconds(summed) -> float:
        def step(state, _):
            weights, moment = state
            found = summed(weights, x, y)
            moment = 0.99 * moment + 0.01 * found * found
            return (weights - 1e-3 * found / (jnp.sqrt(moment) + 1e-8), moment), None

        def run(weights):
            return jax.lax.scan(step, (weights, weights), None, length=STEPS)[0]

        program = jax.jit(run).lower(weights).compile()
        least = min(seconds(lambda: program(weights)) for _ in range(REPEATS))
        return 1000 * least / STEPS

    return {
        "by_partitioner_ms": milliseconds(by_partitioner),
        "by_hand_ms": milliseconds(by_hand),
    }


if __name__ == "__main__":
    count = (
        command_line(__doc__, devices=(2, "number of virtual devices, a core each"))
        .parse_args()
        .devices
    )
    virtual_devices.use(count)
    from benchmarks.machine import machine

    found = measure(count)
    print(json.dumps({"machine": machine(), "devices": count, **found}, indent=2))
