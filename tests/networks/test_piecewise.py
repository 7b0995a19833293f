"""A generator as a piecewise affine function."""

import jax
import jax.numpy as jnp
import landscapes
import numpy as np
import pytest

from jaxgan import networks
from jaxgan.networks import piecewise


def test_the_network_from_inside_is_the_network():
    network, generator, _ = landscapes.toy(0, latent_dim=3)
    z = jax.random.normal(jax.random.key(2), (3,))

    def units_and_logits(z):
        return piecewise.units_at(generator, z), piecewise.logits_at(generator, z)

    units, _ = jax.jit(units_and_logits)(z)
    here = jax.jit(piecewise.region)(generator, z, units > 0)
    np.testing.assert_allclose(here.units, units, rtol=1e-5, atol=1e-6)
    image = jax.jit(network.apply)(generator.params, z[None])[0]
    np.testing.assert_allclose(np.tanh(here.logits), image, rtol=1e-5, atol=1e-6)
    normals, jacobian = jax.jit(jax.jacfwd(units_and_logits))(z)
    np.testing.assert_allclose(here.normals, normals, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(here.jacobian, jacobian, rtol=1e-4, atol=1e-5)


def test_other_networks_are_refused():
    plain = networks.mlp_generator(2, (4,), batch_norm=False).plain
    for params in ({"something": jnp.zeros(3)}, [jnp.zeros(3)], jnp.zeros(3), 3):
        with pytest.raises(ValueError, match="folded fully connected generator"):
            networks.layers_of(networks.FinishedGenerator(plain, params))
    network = networks.conv_generator(2, width=4, channels=(2, 2), batch_norm=False)
    params = jax.eval_shape(network.init, jax.random.key(0))
    with pytest.raises(ValueError, match="convolutions"):
        networks.layers_of(networks.FinishedGenerator(network.plain, params))


def test_weights_with_the_names_of_ours_do_not_pass_for_them():
    """Another network, whose owner named its weights as this library does."""
    network = networks.mlp_generator(2, (4,), batch_norm=False)
    params = network.init(jax.random.key(0))

    def residual(params, latents, kink):
        hidden = params["hidden_0"]["affine"]
        made = kink(latents @ hidden["kernel"] + hidden["bias"][None])
        return (made + 1.0) @ params["output"]["kernel"]

    other = networks.FinishedNetwork(residual, 2, networks.SIGMOID, slope=0.0)
    assert networks.layers_of(networks.FinishedGenerator(network.plain, params))
    with pytest.raises(ValueError, match="computes something else"):
        networks.layers_of(networks.FinishedGenerator(other, params))
