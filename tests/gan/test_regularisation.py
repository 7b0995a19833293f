"""Penalties beside an adversarial objective, every few steps."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import gan, networks, training

DIM = 3
GENERATOR = networks.mlp_generator(DIM, (8, 8), shape=(6,))
CRITIC = networks.mlp_critic((8,), shape=(6,))
DATA = jax.random.normal(jax.random.key(9), (48, 6))
PATHS = gan.path_energy_penalty(
    GENERATOR, pairs=4, renewed=1, segments=4, steps=3, folding_latents=16
)
LENGTHS = gan.path_length_penalty(GENERATOR, batch=4, folding_latents=16)
PENALTIES = {"path": PATHS, "path length": LENGTHS}
SGD = optax.sgd(1e-2)
KEY = jax.random.key(0)


def train(regulariser=None):
    return gan.wgan_gp(
        GENERATOR,
        CRITIC,
        generator_optimizer=SGD,
        critic_optimizer=SGD,
        regulariser=regulariser,
    )


def regularised(penalty=PATHS, weight=0.5, every=2):
    return train(gan.lazy_regulariser(penalty, weight=weight, every=every))


PLAIN = train()
REGULARISED = {name: regularised(penalty) for name, penalty in PENALTIES.items()}


def run(algorithm, lengths=(6,), seed=0, weight=None):
    state = algorithm.init(jax.random.key(seed))
    if weight is not None:
        weighted = state.penalty._replace(weight=jnp.asarray(weight))
        state = state._replace(penalty=weighted)
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
    assert np.isfinite(without.penalty.value)
    assert words(run(REGULARISED[name]).generator) != words(plain.generator)


def test_without_a_penalty_nothing_is_carried_of_one(plain):
    assert plain.penalty is None


def test_chunks_give_the_same_bits_and_a_use_comes_every_few_steps():
    def bits(state):
        return words(state._replace(key=jax.random.key_data(state.key)))

    whole = run(REGULARISED["path"])
    assert bits(run(REGULARISED["path"], (3, 3))) == bits(whole)
    assert whole.penalty.memory.uses == 3
    other = run(REGULARISED["path"], seed=1).penalty
    assert (other.memory.paths[0] != whole.penalty.memory.paths[0]).any()


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


def changes(penalty, params, every, steps, weight=0.25):
    """What the penalty adds to a gradient of zero, at every step."""
    regulariser = gan.lazy_regulariser(penalty, weight=weight, every=every)
    zero = jax.tree.map(jnp.zeros_like, params)

    def body(state, step):
        key = jax.random.key(every)
        added, state = regulariser.add(zero, params, key, step, state, DATA)
        return state, added

    _, found = jax.jit(
        lambda: jax.lax.scan(body, regulariser.init(KEY), jnp.arange(steps))
    )()
    return np.concatenate([x.reshape(steps, -1) for x in jax.tree.leaves(found)], 1)


def test_a_use_counts_as_many_times_as_there_are_steps_between():
    constant = gan.Penalty(tuple, lambda p, key, memory: (jnp.sum(p), memory))
    lazy = changes(constant, jnp.ones(5), 8, 24)
    np.testing.assert_array_equal(lazy[0::8], 2.0)
    assert (np.delete(lazy, [0, 8, 16], 0) == 0).all()
    eager = changes(constant, jnp.ones(5), 1, 24)
    np.testing.assert_allclose(lazy.mean(0), eager.mean(0), rtol=1e-6)


def test_a_matched_penalty_adds_the_given_share_of_the_adversarial_gradient():
    """Whatever the penalty is multiplied by."""
    adversarial, every, ratio = jnp.array([3.0, 4.0, 0.0]), 4, 0.25
    added = {}
    for factor in (1.0, 1e-3, 1e6):
        penalty = gan.Penalty(
            tuple, lambda p, key, memory, f=factor: (f * jnp.sum(p**2), memory)
        )
        regulariser = gan.matched_regulariser(penalty, ratio=ratio, every=every)
        state, total = regulariser.init(KEY), 0.0
        for step in range(16):
            found, state = regulariser.add(
                adversarial, jnp.ones(3), KEY, jnp.asarray(step), state, DATA
            )
            total += np.asarray(found - adversarial)
        added[factor] = total / 16
        size = np.linalg.norm(added[factor])
        assert size == pytest.approx(ratio * 5.0, rel=1e-5)
        assert state.weight == pytest.approx(
            ratio * 5 / (2 * factor * 3**0.5), rel=1e-5
        )
        assert state.uses == 4 and state.value == pytest.approx(3 * factor)
    for each in added.values():
        np.testing.assert_allclose(each, added[1.0], rtol=1e-5)


def test_the_ratio_of_a_matched_penalty_rises_in_a_line():
    penalty = gan.Penalty(tuple, lambda p, key, memory: (jnp.sum(p), memory))
    regulariser = gan.matched_regulariser(penalty, ratio=1.0, every=2, ramp=8)
    state, weights = regulariser.init(KEY), []
    for step in range(12):
        _, state = regulariser.add(
            jnp.full(5, 2.0), jnp.ones(5), KEY, jnp.asarray(step), state, DATA
        )
        weights.append(float(state.weight))
    np.testing.assert_allclose(weights[::2], [0, 0.5, 1, 1.5, 2, 2], rtol=1e-6)


def test_a_matched_penalty_that_is_flat_adds_nothing():
    flat = gan.Penalty(tuple, lambda p, key, memory: (0.0 * jnp.sum(p), memory))
    regulariser = gan.matched_regulariser(flat, ratio=1.0, every=1)
    found, state = regulariser.add(
        jnp.ones(5), jnp.ones(5), KEY, jnp.asarray(0), regulariser.init(KEY), DATA
    )
    assert (found == 1).all() and state.weight == 0


def test_matched_with_ratio_zero_gives_the_bits_of_a_run_without(plain):
    algorithm = train(gan.matched_regulariser(PATHS, ratio=0.0, every=2))
    without = run(algorithm)
    assert words(networks_of(without)) == words(networks_of(plain))
    assert without.penalty.adversarial > 0 and without.penalty.own > 0


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


def counting(calls):
    """A penalty that writes down the key of each time that it is computed."""

    def note(words):
        calls.append(tuple(np.asarray(words).tolist()))

    def apply(params, key, uses):
        jax.debug.callback(note, jax.random.key_data(key))
        squares = [jnp.sum(p * p) for p in jax.tree.leaves(params)]
        return jnp.sum(jnp.stack(squares)), uses + 1

    return gan.Penalty(lambda: jnp.zeros((), jnp.int32), apply)


def after(algorithm, num_steps):
    """The function that takes some steps from a state."""

    def steps(state):
        return training.run_steps(algorithm, state, DATA, num_steps, batch_size=8)[0]

    return steps


def test_side_by_side_a_penalty_is_paid_only_when_it_is_due():
    calls = []

    def computed(function, *arguments):
        calls.clear()
        jax.block_until_ready(jax.jit(function)(*arguments))
        jax.effects_barrier()
        return len(calls), len(set(calls))

    # At steps 0, 4 and 8 of a training, for each of two states.
    penalty = counting(calls)
    algorithm = regularised(penalty, weight=0.5, every=4)
    keys = jax.random.split(jax.random.key(0), (2, 2))
    states = jax.vmap(algorithm.init)(keys[0])
    assert computed(jax.vmap(after(algorithm, 9)), states) == (6, 6)

    # In a map of a map, with a counter of steps for each, or one for all.
    regulariser = gan.lazy_regulariser(penalty, weight=0.5, every=4)

    def alone(first, key):
        def body(state, number):
            zero = jnp.zeros(3)
            step = first + number
            _, state = regulariser.add(zero, zero, key, step, state, DATA)
            return state, None

        return jax.lax.scan(body, regulariser.init(KEY), jnp.arange(9))[0]

    each = jax.vmap(jax.vmap(alone))
    assert computed(each, jnp.zeros((2, 2), jnp.int32), keys) == (12, 12)
    one_for_all = jax.vmap(jax.vmap(partial(alone, jnp.zeros((), jnp.int32))))
    assert computed(one_for_all, keys) == (12, 12)


def close(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_states_side_by_side_are_those_one_after_another():
    """Also where they have not taken equally many steps: each pays its own."""
    algorithm = regularised(PATHS, every=2)
    begun = [run(algorithm, (1,) * number, seed=number) for number in range(3)]
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *begun)
    assert states.step.tolist() == [0, 1, 2]
    together = jax.jit(jax.vmap(after(algorithm, 3)))(states)
    for number in range(3):
        found = jax.tree.map(lambda leaf, i=number: leaf[i], together)
        alone, _ = training.chunk(algorithm, begun[number], DATA, 3, batch_size=8)
        assert found.penalty.memory.uses == alone.penalty.memory.uses
        close((found.generator, found.penalty), (alone.generator, alone.penalty))


def test_several_weights_are_one_program_and_one_trace():
    traces = []

    def apply(params, key, memory):
        traces.append(1)
        return LENGTHS.apply(params, key, memory)

    def train_with(weight):
        algorithm = regularised(gan.Penalty(LENGTHS.init, apply), weight=weight)
        return after(algorithm, 6)(algorithm.init(jax.random.key(0))).generator

    together = jax.jit(jax.vmap(train_with))
    found = together(jnp.array([0.0, 0.5, 2.0]))
    once = len(traces)
    together(jnp.array([0.1, 1.0, 3.0]))
    assert len(traces) == once
    for number, weight in enumerate((0.0, 0.5, 2.0)):
        alone = run(REGULARISED["path length"], weight=weight).generator
        close(jax.tree.map(lambda leaf, i=number: leaf[i], found), alone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "weight must be ≥ 0 and finite, got -1.0"),
        ({"every": 0}, "every must be at least 1, got 0"),
    ],
)
def test_numbers_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        regularised(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": float("nan")}, "ratio must be ≥ 0 and finite, got nan"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"ramp": -1}, "ramp must be at least 0, got -1"),
    ],
)
def test_numbers_of_a_matched_penalty_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        gan.matched_regulariser(PATHS, **{"ratio": 0.1, **options})
