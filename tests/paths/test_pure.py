"""Finding one path inside other programs: what the driver finds, in one program."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import load_generator, networks, paths

DIM, PAIRS = 3, 4
NETWORK = networks.mlp_generator(DIM, (8, 16), shape=(12,), batch_norm=False)


def generator(seed):
    params = NETWORK.init(jax.random.key(seed))
    return networks.FinishedGenerator(
        NETWORK.plain, jax.tree.map(lambda p: 1.5 * p, params)
    )


def both_ends(dtype):
    """Return codes of pairs, and their images."""
    codes = jax.random.normal(jax.random.key(2), (2, PAIRS, DIM)).astype(dtype)
    images = [generator(1).generate(some) for some in codes]
    return codes[0], codes[1], (images[0], images[1])


def same(one, many, dtype):
    """Assert that paths found one by one are those of the driver."""
    rounding = 100 * float(jnp.finfo(dtype).eps)
    for name in ("energies", "spread"):
        of_both = getattr(one, name), getattr(many, name)
        np.testing.assert_allclose(*of_both, rtol=rounding)
    np.testing.assert_allclose(one.path, many.paths, atol=rounding)
    np.testing.assert_allclose(one.energy, many.energies[..., -1], rtol=rounding)
    np.testing.assert_array_equal(one.evaluations, many.evaluations)
    np.testing.assert_array_equal(one.finished, many.finished)
    assert one.path.dtype == one.energy.dtype == one.decrement.dtype == dtype


def options(levels):
    return {"levels": levels, "num_starts": 2, "key": jax.random.key(5)}


def test_many_pairs_in_a_program_are_what_the_driver_finds():
    given = both_ends(jnp.float32)
    metrics, chosen = paths.between_images(generator(1)), options((4, 8))
    many = paths.minimise_many(metrics, *given, first_pair=7, **chosen)

    def one(a, b, item, number):
        return paths.minimise(metrics, a, b, item, number=number, **chosen)

    every = jax.jit(jax.vmap(one))(*given, 7 + jnp.arange(PAIRS))
    same(every, many, jnp.float32)
    np.testing.assert_array_equal(every.path[:, [0, -1]], np.stack(given[:2], 1))


def test_a_pair_in_a_program_is_what_the_driver_finds_in_double_precision():
    with jax.enable_x64(True):
        given = both_ends(jnp.float64)
        metrics, chosen = paths.between_images(generator(1)), options((4,))
        many = paths.minimise_many(metrics, *given, **chosen)

        @jax.jit
        def one(metrics, a, b, item, number):
            return paths.minimise(metrics, a, b, item, number=number, **chosen)

        third = jax.tree.map(lambda leaf: leaf[2], given)
        alone = one(metrics, *third, jnp.int32(2))
        same(alone, many._make(leaf[2] for leaf in many), jnp.float64)


def test_a_program_over_weights_keys_and_tolerances_is_a_loop_over_the_driver():
    given = both_ends(jnp.float32)
    several = [generator(seed) for seed in (1, 4)]
    keys = jax.random.split(jax.random.key(6), 2)
    tolerances = [1e-5, 1e-2]

    @jax.jit
    @jax.vmap
    def one(generator, key, tolerance):
        return paths.minimise(
            paths.between_images(generator),
            *first, levels=(4,), num_starts=2, tolerance=tolerance, key=key,
        )  # fmt: skip

    first = jax.tree.map(lambda leaf: leaf[0], given)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *several)
    together = one(stacked, keys, jnp.array(tolerances))
    for number, own in enumerate(several):
        many = paths.minimise_many(
            paths.between_images(own),
            *given, levels=(4,), num_starts=2, tolerance=tolerances[number],
            key=keys[number],
        )  # fmt: skip
        alone = jax.tree.map(lambda leaf, n=number: leaf[n], together)
        same(alone, many._make(leaf[0] for leaf in many), jnp.float32)
    assert together.evaluations[1, 0] < together.evaluations[0, 0]


def test_a_program_is_compiled_once_for_a_network():
    traced = []

    @jax.jit
    def one(generator, a, b, item):
        traced.append(1)
        metrics = paths.between_images(generator)
        return paths.minimise(metrics, a, b, item, levels=(4,)).energy

    loaded = [load_generator("mnist-wgan-gp-2d") for _ in range(2)]
    assert loaded[0] is not loaded[1]
    codes = jnp.array([[1.0, 0.5], [-0.5, 1.0]])
    item = tuple(loaded[0].generate(codes))
    energies = [float(one(some, *codes, item)) for some in loaded]
    brighter = jax.tree.map(lambda p: 1.1 * p, loaded[0])
    energies.append(float(one(brighter, *codes, item)))
    assert traced == [1]
    assert energies[0] == energies[1] != energies[2]
