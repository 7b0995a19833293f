import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import data, networks, training

KEY = jax.random.key(0)
IMAGE = jax.random.uniform(KEY, (9, 9, 1), minval=-1.0)
IDENTITY = jnp.eye(2)


def quarter_turn():
    return jnp.array([[0.0, -1.0], [1.0, 0.0]])


def test_the_identity_changes_nothing():
    same = data.affine(IMAGE, IDENTITY, jnp.zeros(2))
    np.testing.assert_allclose(same, IMAGE, atol=1e-6)


def test_whole_shifts_move_whole_pixels():
    moved = data.affine(IMAGE, IDENTITY, jnp.array([2.0, -1.0]))
    np.testing.assert_allclose(moved[:-2, 1:], IMAGE[2:, :-1], atol=1e-6)
    np.testing.assert_allclose(moved[-2:], -1)
    np.testing.assert_allclose(moved[:, :1], -1)


def test_four_quarter_turns_are_the_identity():
    turned = IMAGE
    for _ in range(4):
        turned = data.affine(turned, quarter_turn(), jnp.zeros(2))
    np.testing.assert_allclose(turned, IMAGE, atol=1e-5)
    once = data.affine(IMAGE, quarter_turn(), jnp.zeros(2))[..., 0]
    np.testing.assert_allclose(once, jnp.rot90(IMAGE[..., 0], -1), atol=1e-5)


def test_random_distortions_differ_by_key_only():
    distort = jax.jit(data.random_affine)
    first, second = (distort(jax.random.key(n), IMAGE) for n in (0, 1))
    np.testing.assert_array_equal(first, distort(jax.random.key(0), IMAGE))
    assert float(jnp.abs(first - second).max()) > 0.1
    assert float(first.min()) >= -1 and float(first.max()) <= 1
    none = dict(max_angle=0.0, max_log_scale=0.0, max_shear=0.0, max_shift=0.0)
    same = data.random_affine(KEY, IMAGE, **none)
    np.testing.assert_allclose(same, IMAGE, atol=1e-6)


def linear():
    """A classifier of points of the plane by the sign of a learned direction."""

    def apply(params, points):
        return networks.Classified(points, points @ params)

    return networks.Network(lambda key: jax.random.normal(key, (2, 2)), apply)


def algorithm(**options):
    return training.classification(
        linear(),
        optimizer=optax.sgd(0.5),
        distort=lambda key, x: x,
        average_decay=0.9,
        **options,
    )


def test_a_step_is_gradient_descent_on_the_cross_entropy():
    points = jax.random.normal(KEY, (20, 2))
    labels = (points[:, 0] > 0).astype(jnp.int32)
    state = algorithm().init(KEY)
    after, metrics = algorithm().step(state, (points[None], labels[None]))

    def loss(params):
        logits = points @ params
        return jnp.mean(
            jax.nn.logsumexp(logits, 1)
            - jnp.take_along_axis(logits, labels[:, None], 1)[:, 0]
        )

    np.testing.assert_allclose(metrics.loss, loss(state.params), rtol=1e-6)
    expected = state.params - 0.5 * jax.grad(loss)(state.params)
    np.testing.assert_allclose(after.params, expected, rtol=1e-5)
    # The first step of a young average: min(0.9, 1/10) of the old weights.
    np.testing.assert_allclose(
        after.average, 0.1 * state.average + 0.9 * expected, rtol=1e-5
    )


def test_it_learns_a_separable_problem_from_a_pair_of_arrays():
    points = jax.random.normal(KEY, (200, 2))
    labels = (points[:, 0] > points[:, 1]).astype(jnp.int32)
    state = algorithm().init(KEY)
    state, metrics = training.chunk(
        algorithm_once := algorithm(), state, (points, labels), 200, batch_size=50
    )
    logits = linear().apply(state.average, points).logits
    assert float(training.accuracy(logits, labels)) > 0.97
    assert int(state.step) == 200 and algorithm_once.batches_per_step == 1
    assert float(metrics.accuracy) > 0.9


def test_every_step_distorts_afresh():
    seen = []
    spy = training.classification(
        linear(),
        optimizer=optax.sgd(0.0),
        distort=lambda key, x: x + jax.random.normal(key, x.shape),
    )
    points, labels = jnp.zeros((4, 2)), jnp.zeros(4, jnp.int32)
    state = spy.init(KEY)
    for _ in range(3):
        state, metrics = spy.step(state, (points[None], labels[None]))
        seen.append(float(metrics.loss))
    assert len(set(seen)) == 3


def test_an_average_decay_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), got 1.0"):
        training.classification(
            linear(),
            optimizer=optax.sgd(0.5),
            distort=lambda key, x: x,
            average_decay=1.0,
        )


def test_the_classifier_is_made_of_convolutions():
    network = networks.conv_classifier()
    params = network.init(KEY)
    images = jax.random.uniform(KEY, (3, 28, 28, 1), minval=-1.0)
    found = network.apply(params, images)

    x = images
    for i, kernel in enumerate((5, 3, 3)):
        affine = params[f"hidden_{i}"]["affine"]
        weights = affine["kernel"].reshape(kernel, kernel, x.shape[3], -1)
        x = jax.lax.conv_general_dilated(
            x, weights, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + affine["bias"][None, None, None])
    x = x.reshape(3, -1) @ params["features"]["kernel"]
    x = jax.nn.relu(x + params["features"]["bias"][None])
    np.testing.assert_allclose(found.features, x, rtol=1e-4, atol=1e-5)
    logits = x @ params["output"]["kernel"] + params["output"]["bias"][None]
    np.testing.assert_allclose(found.logits, logits, rtol=1e-4, atol=1e-5)
