"""Generators with rounded corners in place of kinks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import networks

LATENTS = jax.random.normal(jax.random.key(1), (20, 2))


@pytest.fixture(scope="module")
def generator():
    network = networks.mlp_generator(2, (8, 16), batch_norm=False)
    params = network.init(jax.random.key(3))
    return networks.FinishedGenerator(network.plain, params)


@pytest.mark.parametrize("width", [1e-3, 0.5])
def test_the_smooth_generator_makes_the_images_of_rounded_corners(generator, width):
    smooth = networks.round_corners(generator, width)
    np.testing.assert_array_equal(
        smooth.generate(LATENTS),
        networks.generate_rounded(generator, LATENTS, jnp.asarray(width)),
    )
    assert networks.check(jax.random.key(2), smooth) == ()


def test_a_corner_is_nowhere_farther_from_its_kink_than_half_its_width():
    units = jnp.linspace(-3.0, 3.0, 61)
    network = networks.FinishedNetwork(
        lambda params, latents, kink: kink(latents), 1, networks.linear(-9.0, 9.0)
    )
    kinked = networks.FinishedGenerator(network, ())
    apart = networks.round_corners(kinked, 0.5).generate(units[:, None])
    apart -= kinked.generate(units[:, None])
    assert float(apart.min()) > 0
    # (1 - slope) w / 2, at the kink itself
    assert float(apart.max()) == pytest.approx(0.8 * 0.5 / 2)
    assert int(apart.argmax()) == 30


def test_equal_widths_share_one_network(generator):
    one, again, other = (
        networks.round_corners(generator, w).network for w in (0.1, 0.1, 0.2)
    )
    assert one == again != other


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_width_that_is_none_is_refused(generator, width):
    with pytest.raises(ValueError, match="a width above 0"):
        networks.round_corners(generator, width)


def test_what_is_smooth_has_no_corners(generator):
    smooth = networks.round_corners(generator, 0.1)
    with pytest.raises(ValueError, match="no corners to round"):
        networks.round_corners(smooth, 0.1)


def test_kinks_that_are_not_declared_cannot_be_rounded(generator):
    network = generator.network._replace(slope=None)
    undeclared = networks.FinishedGenerator(network, generator.params)
    with pytest.raises(ValueError, match="does not declare its kinks"):
        networks.round_corners(undeclared, 0.1)
