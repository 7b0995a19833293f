"""Penalties beside an adversarial objective, and the gradient of dear paths."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import gan, networks, paths, training
from jaxgan.gan import path_energy, path_length_penalty
from jaxgan.paths import curves, image_metric

DIM = 3
GENERATOR = networks.mlp_generator(DIM, (8, 8), shape=(6,))
CRITIC = networks.mlp_critic((8,), shape=(6,))
DATA = jax.random.normal(jax.random.key(9), (48, 6))
PATHS = gan.path_energy_penalty(
    GENERATOR, pairs=4, renewed=1, segments=4, steps=3, folding_latents=16
)
LINEAR = networks.linear(-1.0, 1.0)
LENGTHS = path_length_penalty(GENERATOR, batch=4, folding_latents=16)
PENALTIES = {"path": PATHS, "path length": LENGTHS}
TRACES = []
SGD = optax.sgd(1e-2)


def make(optimizer):
    return gan.wgan_gp(
        GENERATOR, CRITIC, generator_optimizer=optimizer, critic_optimizer=SGD
    )


def regularised(penalty=PATHS, weight=0.5, every=2):
    return gan.regularised(make, SGD, penalty, weight=weight, every=every)


PLAIN = make(SGD)
REGULARISED = {name: regularised(penalty) for name, penalty in PENALTIES.items()}


def run(algorithm, lengths=(6,), seed=0, weight=None):
    state = algorithm.init(jax.random.key(seed))
    if weight is not None:
        own = state.generator_optimizer._replace(weight=jnp.asarray(weight))
        state = state._replace(generator_optimizer=own)
    for length in lengths:
        state, _ = training.chunk(algorithm, state, DATA, length, batch_size=8)
    return state


def words(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def networks_of(state):
    return state.generator, state.average, state.critic, state.critic_optimizer


@pytest.fixture(scope="module")
def plain():
    return run(PLAIN)


@pytest.mark.parametrize(
    "name", ["path", pytest.param("path length", marks=pytest.mark.slow)]
)
def test_weight_zero_gives_the_bits_of_a_run_without(name, plain):
    without = run(REGULARISED[name], weight=0.0)
    assert words(networks_of(without)) == words(networks_of(plain))
    assert np.isfinite(without.generator_optimizer.value)
    assert words(run(REGULARISED[name]).generator) != words(plain.generator)


def test_chunks_give_the_same_bits_and_a_use_comes_every_few_steps():
    def bits(state):
        key, own = state.key, state.generator_optimizer
        own = own._replace(key=jax.random.key_data(own.key))
        return words(
            state._replace(key=jax.random.key_data(key), generator_optimizer=own)
        )

    whole = run(REGULARISED["path"])
    assert bits(run(REGULARISED["path"], (3, 3))) == bits(whole)
    assert whole.generator_optimizer.memory.uses == 3
    other = run(REGULARISED["path"], seed=1).generator_optimizer
    assert (other.memory.paths[0] != whole.generator_optimizer.memory.paths[0]).any()


@pytest.mark.parametrize("name", PENALTIES)
def test_steps_keep_the_types_of_several_states_so_that_nothing_compiles_again(name):
    algorithm = REGULARISED[name]

    def step(state):
        return training.run_steps(algorithm, state, DATA, 1, batch_size=8)[0]

    keys = jax.random.split(jax.random.key(0), 2)
    before = jax.eval_shape(jax.vmap(algorithm.init), keys)
    after = jax.eval_shape(jax.vmap(step), before)
    assert [leaf.weak_type for leaf in jax.tree.leaves(after)] == [
        leaf.weak_type for leaf in jax.tree.leaves(before)
    ]


def counted(params, key, memory):
    TRACES.append(1)
    return PATHS.apply(params, key, memory)


apply = jax.jit(jax.value_and_grad(counted, has_aux=True))


def test_one_trace_serves_all_uses_and_pairs_are_drawn_anew_in_turn():
    params, memory, seen = GENERATOR.init(jax.random.key(4)), PATHS.init(), []
    before = len(TRACES)
    for number in range(5):
        (_, memory), _ = apply(params, jax.random.key(number), memory)
        seen.append(np.asarray(memory.paths[:, 0]))
    assert len(TRACES) - before <= 1
    changed = [
        np.nonzero((a != b).any(1))[0].tolist()
        for a, b in zip(seen, seen[1:], strict=False)
    ]
    assert changed == [[1], [2], [3], [0]]


def test_jit_changes_nothing():
    params = GENERATOR.init(jax.random.key(4))
    latents = jax.random.normal(jax.random.key(0), (16, DIM))
    walks = path_energy.redraw(jax.random.key(1), PATHS.init(), 1)
    shares = jax.random.uniform(jax.random.key(2), (4, 4))

    def scores(params):
        generate = folded(params, latents)
        return gan.log_rho(generate, walks.paths, shares)

    np.testing.assert_allclose(scores(params), jax.jit(scores)(params), rtol=1e-4)


class Alone(NamedTuple):
    """Weights that nothing moves; what an optimiser would do is written down."""

    key: jax.Array
    step: jax.Array
    params: object
    generator_optimizer: object


def changes(penalty, params, every, steps, weight=0.25):
    """Every step's change of the weights under the penalty alone, rate -1."""

    def still(optimizer):
        def init(key):
            return Alone(key, jnp.zeros((), jnp.int32), params, optimizer.init(params))

        def step(state, _):
            zero = jax.tree.map(jnp.zeros_like, params)
            change, moments = optimizer.update(zero, state.generator_optimizer, params)
            return state._replace(generator_optimizer=moments), change

        return training.Algorithm(init, step)

    alone = gan.regularised(
        still, optax.scale(1.0), penalty, weight=weight, every=every
    )
    scan = jax.jit(lambda state: jax.lax.scan(alone.step, state, length=steps)[1])
    found = scan(alone.init(jax.random.key(every)))
    return np.concatenate([x.reshape(steps, -1) for x in jax.tree.leaves(found)], 1)


def test_a_use_counts_as_many_times_as_there_are_steps_between():
    constant = gan.Penalty(tuple, lambda p, key, memory: (jnp.sum(p), memory))
    lazy = changes(constant, jnp.ones(5), 8, 24)
    np.testing.assert_array_equal(lazy[0::8], 2.0)
    assert (np.delete(lazy, [0, 8, 16], 0) == 0).all()
    eager = changes(constant, jnp.ones(5), 1, 24)
    np.testing.assert_allclose(lazy.mean(0), eager.mean(0), rtol=1e-6)


def test_a_lazy_penalty_is_the_eager_one_in_expectation():
    def drawn(params, key, memory):
        noise = jax.random.normal(key, params.shape)
        return jnp.sum(params * (1 + noise)), memory

    penalty, steps = gan.Penalty(tuple, drawn), 4096
    for every in (1, 8):
        found = changes(penalty, jnp.ones(5), every, steps, weight=1.0).mean(0)
        error = np.sqrt(every / steps)
        assert (np.abs(found - 1) < 4 * error).all() and (found != 1).all()


@pytest.mark.slow
def test_a_lazy_path_penalty_is_the_eager_one_in_expectation():
    params = GENERATOR.init(jax.random.key(4))
    eager = changes(PATHS, params, 1, 320)
    lazy = changes(PATHS, params, 4, 4 * 320)[::4] / 4
    # Paths are kept for four uses: blocks of 16 are independent but for their ends.
    blocks = [each.reshape(20, 16, -1).mean(1) for each in (eager, lazy)]
    error = np.sqrt(sum(b.var(0, ddof=1) / len(b) for b in blocks))
    gap = np.abs(blocks[0].mean(0) - blocks[1].mean(0))
    moving = error > 0
    assert moving.mean() > 0.9
    scores = gap[moving] / error[moving]
    # Student's t with 38 degrees of freedom.
    assert np.sqrt(np.mean(scores**2)) == pytest.approx(1, abs=0.4)
    cosine = eager.mean(0) @ lazy.mean(0)
    cosine /= np.linalg.norm(eager.mean(0)) * np.linalg.norm(lazy.mean(0))
    assert cosine > 0.9


PAIRS = 3


class Landscape(NamedTuple):
    """Weights, a direction, latents to fold with and straight paths, in doubles."""

    params: object
    direction: object
    latents: jax.Array
    walks: path_energy.Walks


@pytest.fixture(scope="module")
def landscape():
    single = GENERATOR.init(jax.random.key(1))
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: 1.5 * p.astype(jnp.float64), single)
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(jax.random.key(2), len(leaves))
        direction = [
            jax.random.normal(k, x.shape, x.dtype)
            for k, x in zip(keys, leaves, strict=True)
        ]
        latents = jax.random.normal(jax.random.key(3), (32, DIM), jnp.float64)
        empty = path_energy.Walks(
            jnp.zeros((PAIRS, 7, DIM), jnp.float64),
            jnp.zeros((DIM, DIM), jnp.float64),
            jnp.zeros((), jnp.int32),
        )
        walks = path_energy.redraw(jax.random.key(5), empty, 1)
    return Landscape(params, jax.tree.unflatten(tree, direction), latents, walks)


def folded(params, latents):
    return GENERATOR.fold(params, latents).generate


@jax.jit
def settled(params, latents, walks):
    return path_energy.advance(GENERATOR.fold(params, latents), walks, 200)


def middle_scores(params, latents, found):
    half = jnp.full((PAIRS, found.shape[1] - 1), 0.5, found.dtype)
    return gan.log_rho(folded(params, latents), found, half)


def with_images_held(params, latents, found):
    """The same scores, but with no gradient through the images at the ends."""
    generate = folded(params, latents)

    def one(path):
        a, b = jax.lax.stop_gradient(generate(path[jnp.array([0, -1])]))
        energy = paths.path_energy(image_metric(generate, a, b), path)
        square = jnp.sum((a - b) ** 2) * jnp.sum((path[0] - path[-1]) ** 2) / 2
        return jnp.log(energy / square)

    return jax.vmap(one)(found)


def test_the_envelope_gradient_is_that_of_the_minimum(landscape):
    params, direction, latents, walks = landscape

    def along(score, found):
        """Derivative along the direction, the paths held fixed."""

        def value(params):
            return jnp.mean(score(params, latents, found))

        return float(jax.jit(lambda: jax.jvp(value, (params,), (direction,)))()[1])

    with jax.enable_x64(True):
        best = settled(params, latents, walks)
        envelope = along(middle_scores, best.paths)
        on_lines = along(middle_scores, walks.paths)
        held = along(with_images_held, best.paths)
        step, least = 1e-4, []
        for size in (step, -step):
            moved = jax.tree.map(lambda p, v, h=size: p + h * v, params, direction)
            again = settled(moved, latents, best)
            least.append(jnp.mean(middle_scores(moved, latents, again.paths)))
        difference = float(least[0] - least[1]) / (2 * step)
    assert envelope == pytest.approx(difference, rel=1e-3)
    # Neither lines nor fixed images give the derivative of the minimum.
    assert abs(on_lines - difference) > 0.05 * abs(difference)
    assert abs(held - difference) > 0.05 * abs(difference)


def test_the_penalty_differentiates_nothing_but_the_energy_of_its_paths():
    params = GENERATOR.init(jax.random.key(4))
    key, memory = jax.random.key(6), PATHS.init()
    (value, walks), gradient = apply(params, key, memory)
    fold_key, _, share_key = jax.random.split(key, 3)
    latents = jax.random.normal(fold_key, (16, DIM))
    shares = jax.random.uniform(share_key, (4, 4))

    def again(params):
        generate = folded(params, latents)
        return jnp.mean(gan.log_rho(generate, walks.paths, shares))

    expected, slope = jax.jit(jax.value_and_grad(again))(params)
    assert value == pytest.approx(float(expected), rel=1e-6)
    for one, other in zip(
        jax.tree.leaves(gradient), jax.tree.leaves(slope), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_jittered_quadrature_is_unbiased_for_the_polygon(landscape):
    params, _, latents, walks = landscape
    with jax.enable_x64(True):
        found = settled(params, latents, walks).paths

        @jax.jit
        def ratios():
            shares = jax.random.uniform(jax.random.key(0), (2000, *found.shape[:2]))
            shares = shares[..., 1:].astype(found.dtype)
            score = partial(gan.log_rho, folded(params, latents), found)
            fine = jax.vmap(lambda path: curves.subdivide(path, 64))(found)
            return jnp.exp(jax.vmap(score)(shares)), jnp.exp(
                middle_scores(params, latents, fine)
            )

        drawn, exact = map(np.asarray, ratios())
    error = drawn.std(0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(0) - exact) < 4 * error).all()


def test_an_affine_generator_has_the_known_score():
    affine = networks.mlp_generator(DIM, (), shape=(6,), output=LINEAR)
    params = affine.init(jax.random.key(0))
    options = {"pairs": 2, "renewed": 1, "segments": 64}
    lines = gan.path_energy_penalty(affine, steps=0, **options)
    value, walks = lines.apply(params, jax.random.key(1), lines.init())
    known = 2 * np.log((np.sqrt(2) + np.arcsinh(1)) / 2)
    assert value == pytest.approx(known, abs=2e-2)
    # Neither its scale nor that of the images matters.
    scaled = jax.tree.map(lambda p: 3 * p, params)
    again, _ = lines.apply(scaled, jax.random.key(1), lines.init())
    assert again == pytest.approx(float(value), rel=1e-4)


def test_path_lengths_of_a_linear_generator():
    linear = networks.mlp_generator(DIM, (), shape=(6,), output=LINEAR)
    params = linear.init(jax.random.key(0))
    penalty = path_length_penalty(linear, batch=20_000)
    value, mean = jax.jit(penalty.apply)(params, jax.random.key(1), jnp.asarray(0.4))
    # ‖Wᵀy‖, y normal with variance 1 over the number of pixels.
    kernel = np.asarray(params["output"]["kernel"])
    noise = np.random.default_rng(0).normal(size=(20_000, 6)) / np.sqrt(6)
    norms = np.linalg.norm(noise @ kernel.T, axis=1)
    assert mean == pytest.approx(0.4 + 0.01 * (norms.mean() - 0.4), rel=1e-3)
    assert value == pytest.approx(np.mean((norms - float(mean)) ** 2), rel=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regularised(weight=-1.0), "weight must be ≥ 0 and finite, got -1.0"),
        (lambda: regularised(every=0), "every must be at least 1, got 0"),
        (
            lambda: gan.path_energy_penalty(GENERATOR, pairs=2, renewed=3),
            "renewed must be in 1…pairs, got 3 of 2",
        ),
        (
            lambda: gan.path_energy_penalty(GENERATOR, segments=1),
            "segments and folding_latents must be ≥ 2",
        ),
        (lambda: path_length_penalty(GENERATOR, batch=0), "batch must be ≥ 1"),
    ],
)
def test_numbers_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()
