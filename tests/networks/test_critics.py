"""Critics that are given examples minus their mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from weights import shaken

from jaxgan import networks

KEY = jax.random.key(0)
SHAPE = (3, 2, 1)
CENTRE = np.linspace(-1.0, 0.5, 6, dtype=np.float32).reshape(SHAPE)


@pytest.mark.parametrize("widths", [(), (5,), (5, 4)])
def test_a_bias_makes_up_for_the_centre(widths):
    """W(x − c) + b = Wx + (b − Wc): the same functions, scores and slopes."""
    plain = networks.mlp_critic(widths, shape=SHAPE)
    centred = networks.centred(plain, CENTRE)
    params, moved = (shaken(centred.init(KEY), 0.5) for _ in range(2))
    first = moved["hidden_0"]["affine"] if widths else moved["output"]
    first["bias"] -= CENTRE.ravel() @ first["kernel"]
    examples = jax.random.normal(KEY, (7, *SHAPE))

    def slope(critic, params):
        return jax.vmap(jax.grad(lambda x: critic.apply(params, x[None])[0]))(examples)

    scores = centred.apply(params, examples)
    np.testing.assert_allclose(plain.apply(moved, examples), scores, atol=1e-5)
    np.testing.assert_allclose(
        slope(plain, moved), slope(centred, params), rtol=1e-5, atol=1e-6
    )
    assert not np.allclose(plain.apply(params, examples), scores)
    np.testing.assert_array_equal(scores, plain.apply(params, examples - CENTRE[None]))


def test_the_centre_can_be_among_the_weights():
    plain = networks.mlp_critic((5,), shape=SHAPE)
    stored = networks.with_centre(plain, SHAPE)
    params = shaken(plain.init(KEY), 0.5)
    examples = jax.random.normal(KEY, (7, *SHAPE))
    np.testing.assert_array_equal(
        stored.apply({"centre": jnp.asarray(CENTRE), "critic": params}, examples),
        networks.centred(plain, CENTRE).apply(params, examples),
    )
    first = stored.init(KEY)
    np.testing.assert_array_equal(
        stored.apply(first, examples), plain.apply(first["critic"], examples)
    )


def test_the_centre_is_scored_as_zero_is():
    plain = networks.conv_critic((2, 3), width=4)
    centre = np.full((28, 28, 1), -0.8, np.float32)
    params = shaken(plain.init(KEY), 0.5)
    score = networks.centred(plain, centre).apply(params, jnp.asarray(centre)[None])
    np.testing.assert_array_equal(score, plain.apply(params, jnp.zeros((1, 28, 28, 1))))


def test_errors_say_what_does_not_fit(unchecked):
    critic = networks.mlp_critic((5,), shape=SHAPE)
    params = critic.init(KEY)
    with pytest.raises(ValueError, match=r"centre is \[3, 2, 1\], got .*\[4, 6\]"):
        networks.centred(critic, CENTRE).apply(params, jnp.zeros((4, 6)))
    with pytest.raises(ValueError, match="expected centre .* got uint8"):
        networks.centred(critic, CENTRE.astype(np.uint8))
