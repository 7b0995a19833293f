"""Linear autoencoders of Gaussian points against reverse water-filling."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import succeed

from experiments.shannon import linear_codes
from jaxgan import autoencoders, networks
from jaxgan.autoencoders import gaussian_distortion

VARIANCES = linear_codes.VARIANCES


def test_water_filling():
    point = linear_codes.water_filling(VARIANCES, np.array([0.5, 9.0]))
    np.testing.assert_allclose(point.rates, [1.3863, 0], atol=5e-5)
    np.testing.assert_allclose(point.errors, [1.25, 5.25])
    assert linear_codes.rate_at(VARIANCES, 1.25) == pytest.approx(point.rates[0])
    # The slope of the curve: dD/dR = −2 water.
    near = linear_codes.water_filling(VARIANCES, np.array([0.4, 0.4001]))
    slope = np.diff(near.errors) / np.diff(near.rates)
    assert slope[0] == pytest.approx(-0.8, rel=1e-3)
    with pytest.raises(ValueError, match="error must be in"):
        linear_codes.rate_at(VARIANCES, 6.0)


def test_drawn_points_have_exactly_the_covariance():
    points = np.asarray(
        linear_codes.gaussian_points(jax.random.key(0), 500, VARIANCES), np.float64
    )
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(
        points.T @ points / 500, np.diag(VARIANCES), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", ["gaussian", "echo"])
def test_measured_error_is_the_mean_over_noise(name):
    """The averaged formula against draws, with scales that depend on the point."""
    points = linear_codes.gaussian_points(jax.random.key(0), 256, VARIANCES)
    channel, noise = {
        "gaussian": (autoencoders.gaussian_channel, linear_codes.gaussian_noise),
        "echo": (
            autoencoders.echo(linear_codes.DEPTH).channel,
            linear_codes.echo_noise,
        ),
    }[name]
    model = autoencoders.Autoencoder(
        networks.mlp_encoder(3, (), shape=(3,)),
        networks.mlp_decoder(3, (), shape=(3,)),
        channel,
        gaussian_distortion,
    )
    params = autoencoders.Weights(
        model.encoder.init(jax.random.key(1)), model.decoder.init(jax.random.key(2))
    )
    rate, error = linear_codes.exact_point(noise, params, points)
    if name == "echo":
        stored, _ = autoencoders.echo(linear_codes.DEPTH).maps(
            model.encoder.apply(params.encoder, points)
        )
        channel = autoencoders.echo(linear_codes.DEPTH).given_bank(
            stored, linear_codes.DEPTH
        )
        model = model._replace(channel=channel)

    def one(key):
        measured = autoencoders.measure(model, params, key, points)
        missed = measured.outputs - points
        return jnp.mean(measured.rates), jnp.mean(jnp.sum(missed * missed, 1))

    rates, errors = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(3), 200))
    assert float(rates.mean()) == pytest.approx(float(rate), rel=1e-5)
    assert abs(errors.mean() - error) < 4 * errors.std() / np.sqrt(200)


def train(**options):
    """Optax's own bias correction is not written for strict promotion."""
    with jax.numpy_dtype_promotion("standard"):
        return {
            kind: linear_codes.train(kind, jax.random.key(0), **options)
            for kind in linear_codes.KINDS
        }


def check(found, variances, waters, tolerance):
    curve = linear_codes.water_filling(variances, waters)
    for name, point in found.items():
        excess = linear_codes.excess_rates(variances, point)
        assert np.all(np.abs(excess) < tolerance), (name, excess)
        assert np.all(excess > -1e-4), (name, excess)
        np.testing.assert_allclose(point.rates, curve.rates, rtol=tolerance)
        np.testing.assert_allclose(point.errors, curve.errors, rtol=3 * tolerance)


def test_both_reach_the_curve_in_two_dimensions():
    variances, waters = np.array([1.0, 0.5]), np.array([0.06, 0.15])
    found = train(variances=variances, waters=waters, steps=1200)
    check(found, variances, waters, 0.01)


@pytest.mark.slow
def test_both_reach_the_curve_at_five_weights():
    found = train()
    check(found, VARIANCES, linear_codes.WATERS, 0.01)


@pytest.mark.slow
def test_linear_models_are_drawn_beside_shannons_curve(tmp_path):
    succeed("shannon", tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    for kind in ("gaussian", "echo"):
        assert -1e-4 < summary[f"{kind}_excess_rate_min"]
        assert summary[f"{kind}_excess_rate_max"] < 0.01
    with Image.open(tmp_path / "run" / "shannon.png") as image:
        assert np.asarray(image.convert("L")).std() > 5
