"""The loop that runs the steps: order of the data, chunks, programs."""

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
import pytest
from adversaries import DATA, KEY, VARIANTS, build, run, words

from jaxgan import gan, training


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [slow("gan"), "wgan", slow("wgan-3")])
def test_chunks_of_any_length_give_the_same_bits(name):
    """As XLA compiles by default: what it may round otherwise, it does alike there."""
    # 6 steps an epoch (2 with three critic steps): all cross epochs in mid-chunk.
    algorithm = VARIANTS[name]()
    fused: dict[str, str | bool] = {}
    if jaxlib.version.__version_info__[:2] == (0, 10):  # see conftest.py
        fused = {"xla_cpu_use_fusion_emitters": True}
    programs = {}

    def bits(lengths):
        state = algorithm.init(KEY)
        for length in lengths:
            given = algorithm, state, DATA, length
            if length not in programs:
                traced = training.chunk.lower(*given, batch_size=8)
                programs[length] = traced.compile(compiler_options=fused)
            state, _ = programs[length](state, DATA)
        return words(state)

    whole = bits([24])
    assert bits([5, 7, 12]) == whole
    assert bits([1] * 24) == whole


def probe(critic_steps, room):
    """An algorithm that only writes down the examples it is given."""

    def init(key):
        state = build().init(key)
        return state._replace(average=jnp.full((room, critic_steps, 4), -1.0))

    def step(state, batches):
        seen = state.average.at[state.step].set(batches[..., 0])
        zero = jnp.zeros(())
        metrics = gan.Metrics(zero, zero, zero, None, None)
        return state._replace(average=seen, step=state.step + 1), metrics

    return training.Algorithm(init, step, critic_steps)


def seen_examples(key, critic_steps=2, num_steps=9):
    algorithm = probe(critic_steps, num_steps)
    state = algorithm.init(key)
    data = jnp.arange(26.0)[:, None]
    state, _ = training.run_steps(algorithm, state, data, num_steps, batch_size=4)
    return np.asarray(state.average)


def test_an_epoch_repeats_nothing_and_every_critic_step_sees_other_images():
    seen = seen_examples(KEY)  # 26 examples: 3 steps of 8 an epoch, 2 left out
    epochs = seen.reshape(3, 24)
    assert all(len(set(epoch)) == 24 for epoch in epochs)
    assert not set(seen[0, 0]) & set(seen[0, 1])
    assert len({tuple(epoch) for epoch in epochs}) == 3, "a new order every epoch"


def test_the_order_is_a_function_of_key_and_epoch_alone():
    np.testing.assert_array_equal(seen_examples(KEY)[:4], seen_examples(KEY, 2, 4))
    assert (seen_examples(KEY) != seen_examples(jax.random.key(1))).any()


def test_a_chunk_is_traced_once_for_each_length():
    traces = []
    inner = build()

    def step(state, batches):
        traces.append(None)
        return inner.step(state, batches)

    algorithm = training.Algorithm(inner.init, step, 1)
    run(algorithm, [4, 4, 4])
    assert len(traces) == 1


def test_the_old_state_is_donated():
    algorithm = build()
    state = algorithm.init(KEY)
    training.chunk(algorithm, state, DATA, 2, batch_size=8)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state.critic))


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: run(build(), [0]), "num_steps must be at least 1, got 0"),
        (lambda: run(build(), [1], batch_size=51), "between 1 and 50 examples"),
        (lambda: run(build(), [1], batch_size=0), "got 0"),
    ],
)
def test_bad_numbers_are_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()


def test_weights_in_place_of_a_state_are_refused_without_being_printed(unchecked):
    weights = build().init(KEY).average
    with pytest.raises(ValueError, match="^expected a state, .* got dict"):
        training.chunk(build(), weights, DATA, 1, batch_size=8)
