"""What is recorded of a path: energies, and whether it is a minimum or a saddle."""

import closed_forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths
from jaxgan.paths import energy, laplacian

pytestmark = pytest.mark.usefixtures("in_double")

KEY = jax.random.key(0)


def bump(latents):
    """A hill on the way: the straight line over its top is a saddle."""
    return 1 + 4 * jnp.exp(-2 * jnp.sum(latents * latents, 1))


def test_a_line_over_a_hill_is_known_as_a_saddle_and_left_with_bows():
    a, b = jnp.array([[-2.0, 0.0]]), jnp.array([[2.0, 0.0]])
    metrics = paths.common(bump)
    stuck = paths.minimise_many(metrics, a, b, levels=(16,), tolerance=1e-9)
    np.testing.assert_allclose(stuck.paths[0, :, 1], 0, atol=1e-9)
    free = paths.minimise_many(
        metrics, a, b, levels=(16,), tolerance=1e-9, num_starts=3, key=KEY
    )
    assert free.energies[0, -1] < 0.9 * stuck.energies[0, -1]
    assert free.spread.shape == (1, 3) and np.ptp(free.spread) > 1
    both = np.concatenate([stuck.paths, free.paths])
    record = paths.record_paths(KEY, metrics, both)
    assert (record.morse_index > 0).tolist() == [True, False]

    def of_inner(inner, ends):
        path = jnp.concatenate([ends[:1], inner, ends[1:]])
        return paths.path_energy(bump, path)

    def matrix(path):
        """Of the preconditioner, a column for each number of an inner knot."""
        weights, inner = energy.segment_weights(bump, path), path[1:-1]
        eye = jnp.eye(inner.size).reshape(-1, *inner.shape)

        def column(unit):
            whole = jnp.pad(unit, ((1, 1), (0, 0)))
            return laplacian.apply_laplacian(weights, whole)[1:-1]

        return jax.vmap(column)(eye).reshape(inner.size, inner.size)

    dense, preconditioner = jax.jit(jax.hessian(of_inner)), jax.jit(matrix)
    for path, index, least in zip(
        both, record.morse_index, record.least_eigenvalue, strict=True
    ):
        inner = jnp.asarray(path[1:-1])
        hessian = dense(inner, jnp.asarray(path[[0, -1]]))
        hessian = hessian.reshape(inner.size, inner.size)
        assert index == np.sum(np.linalg.eigvalsh(hessian) < 0)
        relative = np.linalg.solve(preconditioner(jnp.asarray(path)), hessian)
        wanted = np.real(np.linalg.eigvals(relative)).min()
        assert least == pytest.approx(wanted, abs=1e-4)
    assert (record.energy <= record.energy_line * (1 + 1e-9)).all()
    assert (record.decrement < 1e-7).all()


@pytest.mark.parametrize("name", ["sphere", "half space"])
def test_the_error_of_a_path_follows_from_half_of_its_knots(name):
    a, b = jnp.array([[0.3, 0.5, 0.4]]), jnp.array([[-0.6, 0.1, 0.9]])
    cases = {"sphere": closed_forms.sphere(), "half space": closed_forms.half_space()}
    metric, least = cases[name]
    metrics = paths.common(metric)
    found = paths.minimise_many(metrics, a, b, levels=(16, 32, 64), tolerance=1e-13)
    record = paths.record_paths(KEY, metrics, found.paths)
    truth = float(least(np.asarray(a[0]), np.asarray(b[0])))
    energy, half, quarter = record[:3]
    better, error = paths.richardson(half, energy)
    np.testing.assert_allclose(better, truth, rtol=1e-6)
    assert abs(energy - truth) <= 1.1 * error
    # The path with half of the knots is nearly the least one with so many segments.
    np.testing.assert_allclose(half, found.energies[:, -2], rtol=1e-5)
    order = paths.observed_order(quarter, half, energy)
    np.testing.assert_allclose(order, 2, atol=0.1)


def test_a_path_without_a_middle_knot_has_no_half():
    path = np.linspace([[0.0, 0.0]], [[1.0, 1.0]], 8).transpose(1, 0, 2)
    record = paths.record_paths(KEY, paths.common(bump), path)
    assert np.isnan(record.energy_half) and np.isnan(record.energy_quarter)
    record = paths.record_paths(KEY, paths.common(bump), path[:, :7])
    half = paths.path_energy(bump, jnp.asarray(path[0, :7:2]))
    assert record.energy_half == pytest.approx(float(half)) != float(record.energy[0])
    assert np.isnan(record.energy_quarter)
