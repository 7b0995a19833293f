"""The time of a program's matrix products alone, a lower limit of its own time."""

from collections.abc import Callable, Sequence

import jax

from benchmarks.sizes import Layer

Product = tuple[str, int, int, int]
"""The kind, `forward` (xW), `weights` (xᵀδ) or `inputs` (δWᵀ); then the numbers of
rows, of inputs and of outputs of the layer."""


def each(kind: str, examples: int, layers: Sequence[Layer]) -> list[Product]:
    """Return one product for each layer."""
    return [(kind, examples * rows, i, o) for rows, i, o in layers]


def gflop(products: list[Product]) -> float:
    """Return the number of floating-point operations, in 10⁹."""
    return sum(2e-9 * rows * i * o for _, rows, i, o in products)


def products_program(products: list[Product], steps: int) -> Callable[[], object]:
    """Return a compiled function that repeats these products `steps` times."""
    shapes = {"forward": (0, 1, 2), "weights": (1, 0, 2), "inputs": (0, 2, 1)}
    operands = []
    for number, (kind, *sizes) in enumerate(products):
        m, k, n = (sizes[axis] for axis in shapes[kind])
        left, right = jax.random.split(jax.random.fold_in(jax.random.key(0), number))
        # As in the step: weight gradients transpose their left operand, input
        # gradients their right one.
        a = jax.random.normal(left, (k, m) if kind == "weights" else (m, k))
        b = jax.random.normal(right, (n, k) if kind == "inputs" else (k, n))
        operands.append((a, b))

    def multiply(kind: str, a: jax.Array, b: jax.Array) -> jax.Array:
        if kind == "weights":
            return a.T @ b
        return a @ b.T if kind == "inputs" else a @ b

    def body(operands, _):
        changed = []
        for (kind, *_), (a, b) in zip(products, operands, strict=True):
            # The barrier keeps the whole product, and the changed element keeps it
            # inside the loop.
            product = jax.lax.optimization_barrier(multiply(kind, a, b))
            changed.append((a.at[0, 0].set(1e-3 * product[0, 0]), b))
        return changed, None

    run = jax.jit(lambda operands: jax.lax.scan(body, operands, length=steps)[0])
    return lambda: jax.block_until_ready(run(operands))
