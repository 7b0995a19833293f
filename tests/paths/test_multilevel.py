"""Least energies and paths against closed forms, in two to 64 dimensions."""

from functools import partial

import closed_forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths
from jaxgan.paths import records

pytestmark = pytest.mark.usefixtures("in_double")

KEY = jax.random.key(0)


def cases(latent_dim):
    """Name, λ of closed form, its least energy and two points, for each."""
    rng = np.random.default_rng(latent_dim)

    def point():
        return rng.normal(size=latent_dim) / np.sqrt(latent_dim)

    a, b, centre = point(), point(), point()
    above = np.r_[a[:-1], 0.5 + abs(a[-1])], np.r_[b[:-1], 0.5 + abs(b[-1])]
    weights = rng.uniform(0.2, 4, latent_dim)
    found = {
        "constant": (closed_forms.constant(2.0), a, b),
        "isometry": (
            closed_forms.quadratic(2 * (b - a) @ (b - a), 8.0, (a + b) / 2),
            a,
            b,
        ),
        "quadratic": (closed_forms.quadratic(0.5, 2.0, centre), a, b),
        "affine": (closed_forms.affine(0.5, weights, centre), a, b),
        "half space": (closed_forms.half_space(), *above),
        "sphere": (closed_forms.sphere(), a, b),
        "linear": (closed_forms.linear(3.0, 0.5 * point(), a), a, b),
    }
    if latent_dim == 2:
        here, there = np.array([1.0, 0.3]), np.array([0.2, 1.1])
        found["square map"] = (closed_forms.square_map(), here, there)
    return found


# Eight dimensions repeat what two and 64 show.
@pytest.fixture(scope="module", params=[2, pytest.param(8, marks=pytest.mark.slow), 64])
def solved(request):
    """All cases of one dimension, minimised in one program."""
    every = cases(request.param)
    functions = [metric for (metric, _), _, _ in every.values()]

    def at(_, number):
        return lambda latents: jax.lax.switch(number, functions, latents)

    with jax.enable_x64(True):
        starts, ends = (jnp.array([case[k] for case in every.values()]) for k in (1, 2))
        found = paths.minimise_many(
            paths.MetricFamily(at),
            starts,
            ends,
            jnp.arange(len(every)),
            levels=(16, 32, 64),
            tolerance=1e-13,
        )
    truth = np.array([energy(a, b) for (_, energy), a, b in every.values()])
    return list(every), found, truth


def test_least_energies_are_those_of_the_closed_forms(solved):
    names, found, truth = solved
    assert found.finished.all()
    better, error = paths.richardson(found.energies[:, -2], found.energies[:, -1])
    np.testing.assert_allclose(better, truth, rtol=1e-6)
    assert (np.abs(found.energies[:, -1] - truth) <= 1.1 * error + 1e-11 * truth).all()
    exact = [names.index(n) for n in ("constant", "square map") if n in names]
    np.testing.assert_allclose(found.energies[exact, -1], truth[exact], rtol=1e-11)


def test_the_order_is_two(solved):
    names, found, _ = solved
    order = paths.observed_order(*found.energies.T)
    inexact = [n not in ("constant", "square map") for n in names]
    np.testing.assert_allclose(order[inexact], 2, atol=0.1)


def test_minimisers_have_constant_speed(solved):
    names, found, _ = solved
    (metric, _), _, _ = cases(found.paths.shape[2])["sphere"]
    path = jnp.asarray(found.paths[names.index("sphere")])
    variation, energy, length = (
        float(jax.jit(measure, static_argnums=0)(metric, path))
        for measure in (records.speed_variation, paths.path_energy, paths.path_length)
    )
    assert variation < 1e-2
    assert energy / length**2 - 1 == pytest.approx(variation**2, abs=1e-9)


def test_left_endpoint_sums_are_of_first_order_and_ours_are_not():
    """As in implementations that take λ at the left knot of each segment."""
    metric, exact = closed_forms.quadratic(0.5, 2.0, np.zeros(2))
    a, b = np.array([0.1, 0.2]), np.array([1.5, -0.5])
    truth = exact(a, b)
    found = paths.minimise_many(
        paths.common(metric), jnp.array([a]), jnp.array([b]), levels=(128,),
        tolerance=1e-12,
    )  # fmt: skip
    path, midpoint = found.paths[0], jax.jit(partial(paths.path_energy, metric))
    errors = {"left": [], "midpoint": []}
    for every in (4, 2, 1):
        knots = path[::every]
        squares = np.sum(np.diff(knots, axis=0) ** 2, 1)
        left = (len(knots) - 1) * metric(knots[:-1]) @ squares
        errors["left"].append(float(left) - truth)
        errors["midpoint"].append(float(midpoint(knots)) - truth)
    slopes = {k: np.log2(np.abs(np.array(v[:-1]) / v[1:])) for k, v in errors.items()}
    np.testing.assert_allclose(slopes["left"], 1, atol=0.05)
    np.testing.assert_allclose(slopes["midpoint"], 2, atol=0.1)
    lead = -truth / 256 * np.log(metric(b[None])[0] / metric(a[None])[0])
    assert errors["left"][-1] == pytest.approx(lead, rel=0.05)
