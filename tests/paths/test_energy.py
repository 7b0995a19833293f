"""Path energies and least-energy paths against closed forms and other computations."""

import chex
import closed_forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import paths
from jaxgan.paths import conformal, curves, energy, laplacian, records, starts

KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def in_double():
    with jax.enable_x64(True):
        yield


def bumpy(latents):
    """A metric without symmetries."""
    waves = jnp.sin(2 * latents) @ jnp.arange(1.0, latents.shape[1] + 1)
    return 2 + 0.3 * jnp.tanh(waves) + jnp.sum(latents * latents, 1)


def wavy_path(segments=7, latent_dim=3):
    key_a, key_b = jax.random.split(KEY)
    ends = jax.random.normal(key_a, (2, latent_dim))
    path = paths.line(ends[0], ends[1], segments)
    return path + 0.3 * jax.random.normal(key_b, path.shape)


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


@pytest.fixture(scope="module", params=[2, 8, 64])
def solved(request):
    """All cases of one dimension, minimised in one program."""
    every = cases(request.param)
    functions = [metric for (metric, _), _, _ in every.values()]

    def at(number):
        return lambda latents: jax.lax.switch(number, functions, latents)

    with jax.enable_x64(True):
        starts, ends = (jnp.array([case[k] for case in every.values()]) for k in (1, 2))
        found = paths.minimise(
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
    variation = float(records.speed_variation(metric, path))
    assert variation < 1e-2
    energy = paths.path_energy(metric, path)
    length = paths.path_length(metric, path)
    assert float(energy / length**2 - 1) == pytest.approx(variation**2, abs=1e-9)


def test_rho_of_an_isometry_is_the_known_constant():
    """Exact inversion, G(z) = cQz + b: the line, at ((√2 + asinh 1)/2)²."""
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))

    def generate(latents):
        return 3.0 * latents @ jnp.asarray(basis).T + 1.0

    codes = jnp.array([[1.0, 0.5], [-0.5, 2.0]])
    images = generate(codes)
    metric = paths.image_metric(generate, images[0], images[1])
    path = paths.line(codes[0], codes[1], 2000)
    base = paths.least_value(*images) * jnp.sum((codes[0] - codes[1]) ** 2)
    squared = paths.path_length(metric, path) ** 2
    known = ((np.sqrt(2) + np.arcsinh(1)) / 2) ** 2
    assert float(squared / base) == pytest.approx(known, rel=1e-6)


def test_the_gradient_is_autodiffs_and_finite_differences():
    path = wavy_path()
    at = energy.expand(bumpy, path)

    def of_inner(inner):
        return paths.path_energy(bumpy, path.at[1:-1].set(inner))

    assert at.energy == of_inner(path[1:-1])
    np.testing.assert_allclose(
        at.gradient[1:-1], jax.grad(of_inner)(path[1:-1]), rtol=1e-12
    )
    assert (np.asarray(at.gradient)[[0, -1]] == 0).all()
    chex.assert_numerical_grads(of_inner, (path[1:-1],), order=1, modes=["rev"])


def test_left_endpoint_sums_are_of_first_order_and_ours_are_not():
    """As in implementations that take λ at the left knot of each segment."""
    metric, exact = closed_forms.quadratic(0.5, 2.0, np.zeros(2))
    a, b = np.array([0.1, 0.2]), np.array([1.5, -0.5])
    truth = exact(a, b)
    found = paths.minimise(
        paths.common(metric), jnp.array([a]), jnp.array([b]), levels=(128,),
        tolerance=1e-12,
    )  # fmt: skip
    path = jnp.asarray(found.paths[0])
    errors = {"left": [], "midpoint": []}
    for every in (4, 2, 1):
        knots = path[::every]
        left = (len(knots) - 1) * metric(knots[:-1]) @ energy.squared_lengths(knots)
        errors["left"].append(float(left) - truth)
        errors["midpoint"].append(float(paths.path_energy(metric, knots)) - truth)
    slopes = {k: np.log2(np.abs(np.array(v[:-1]) / v[1:])) for k, v in errors.items()}
    np.testing.assert_allclose(slopes["left"], 1, atol=0.05)
    np.testing.assert_allclose(slopes["midpoint"], 2, atol=0.1)
    lead = -truth / 256 * np.log(metric(b[None])[0] / metric(a[None])[0])
    assert errors["left"][-1] == pytest.approx(lead, rel=0.05)


def test_simpson_gives_the_energy_of_the_polygon():
    path = wavy_path()
    fine = curves.subdivide(path, 512)
    exact = paths.path_energy(bumpy, fine)
    simpson = paths.path_energy(bumpy, path, "simpson")
    gaps = [float(e / exact) - 1 for e in (simpson, paths.path_energy(bumpy, path))]
    assert abs(gaps[0]) < 0.2 * abs(gaps[1])


def test_the_laplacian_and_its_inverse_are_those_of_dense_matrices():
    path = wavy_path()
    at = energy.expand(bumpy, path)
    change = at.gradient
    forward = laplacian.apply_laplacian(at.weights, change)
    np.testing.assert_allclose(
        laplacian.solve_laplacian(at.weights, forward), change, rtol=1e-10,
        atol=1e-10,
    )  # fmt: skip

    def model(inner, curvature):
        """The quadratic whose Hessian is inverted."""
        moved = jnp.pad(inner, ((1, 1), (0, 0)))
        flows, middles = energy.squared_lengths(moved), curves.midpoints(moved)
        bends = jnp.sum((middles @ curvature) * middles, 1)
        squares = energy.squared_lengths(path)
        return len(squares) * jnp.sum(at.weights * flows + squares * bends / 2)

    root = jax.random.normal(KEY, (3, 3))
    for curvature in (jnp.zeros((3, 3)), root @ root.T):
        inner = path[1:-1]
        dense = jax.hessian(model)(inner, curvature).reshape(inner.size, inner.size)
        wanted = jnp.linalg.solve(dense, change[1:-1].reshape(-1)).reshape(inner.shape)
        found = laplacian.solve_screened(
            laplacian.decompose(curvature), at.weights, path, change
        )
        np.testing.assert_allclose(found[1:-1], wanted, rtol=1e-9, atol=1e-12)


def test_the_curvature_is_that_of_gauss_and_newton():
    def generate(latents):
        return jnp.tanh(latents @ jnp.arange(6.0).reshape(2, 3))

    metrics = paths.between_images(generate)
    codes = jax.random.normal(KEY, (2, 2))
    images = generate(codes)
    middle = (images[0] + images[1]) / 2
    assert metrics.curvature is not None
    found = metrics.curvature((images[0], images[1]), codes[:1])
    jacobian = jax.jacfwd(lambda z: generate(z[None])[0])(codes[0])
    np.testing.assert_allclose(found, 4 * jacobian.T @ jacobian, rtol=1e-12)
    metric = metrics.metric_of((images[0], images[1]))
    _, slope = conformal.value_and_gradient(metric, codes[:1])
    residual = generate(codes[:1])[0] - middle
    np.testing.assert_allclose(slope[0], 4 * jacobian.T @ residual, rtol=1e-12)
    with pytest.raises(ValueError, match="two images of one shape"):
        paths.image_metric(generate, images[0], images)


def test_energies_scale_as_they_must():
    basis = jax.random.normal(KEY, (2, 5))

    def generate(latents):
        return jnp.tanh(latents @ basis)

    codes = jnp.array([[1.0, 0.5], [-0.5, 2.0]])
    images = generate(codes)
    path = paths.line(codes[0], codes[1], 16)
    plain = paths.path_energy(paths.image_metric(generate, *images), path)
    wider = paths.image_metric(lambda z: generate(z / 3), *images)
    assert float(paths.path_energy(wider, 3 * path) / plain) == pytest.approx(9)
    brighter = paths.image_metric(lambda z: 2 * generate(z) - 1, *(2 * images - 1))
    assert float(paths.path_energy(brighter, path) / plain) == pytest.approx(4)


def test_slerp_turns_at_constant_speed_and_lines_do_not_turn():
    a, b = jnp.array([2.0, 0, 0]), jnp.array([0, 1.0, 1.0])
    turned = paths.slerp(a, b, 6)
    np.testing.assert_allclose(turned[jnp.array([0, 6])], jnp.stack([a, b]))
    norms = jnp.linalg.norm(turned, axis=1)
    np.testing.assert_allclose(norms, jnp.linspace(2, jnp.sqrt(2.0), 7), rtol=1e-12)
    units = turned / norms[:, None]
    angles = jnp.arccos(jnp.sum(units[1:] * units[:-1], 1))
    np.testing.assert_allclose(angles, jnp.pi / 12, rtol=1e-9)
    np.testing.assert_allclose(
        paths.slerp(a, 3 * a, 4), paths.line(a, 3 * a, 4), rtol=1e-12
    )
    assert not np.isfinite(paths.slerp(a, -a, 4)[1:-1]).any()


def test_prolongation_is_exact_on_cubics_and_equal_speed_is_equal():
    times = jnp.linspace(0, 1, 9)[:, None]

    def cubic(t):
        return jnp.concatenate([t**3 - t, 2 * t**2, 1 + t], 1)

    finer = jnp.linspace(0, 1, 17)[:, None]
    np.testing.assert_allclose(curves.prolong(cubic(times)), cubic(finer), atol=1e-13)
    assert curves.prolong(times[:3]).shape == (5, 1)
    path = jax.vmap(jnp.interp, (None, None, 1), 1)(
        jnp.linspace(0, 1, 2001) ** 2, finer[:, 0], cubic(finer)
    )
    even = paths.at_equal_speed(bumpy, path, 20)
    lengths = [
        float(paths.path_length(bumpy, curves.subdivide(even[i : i + 2], 50)))
        for i in range(20)
    ]
    np.testing.assert_allclose(lengths, np.mean(lengths), rtol=0.02)
    np.testing.assert_array_equal(even[-1], path[-1])


def bump(latents):
    """A hill on the way: the straight line over its top is a saddle."""
    return 1 + 4 * jnp.exp(-2 * jnp.sum(latents * latents, 1))


def test_a_line_over_a_hill_is_known_as_a_saddle_and_left_with_bows():
    a, b = jnp.array([[-2.0, 0.0]]), jnp.array([[2.0, 0.0]])
    metrics = paths.common(bump)
    stuck = paths.minimise(metrics, a, b, levels=(16,), tolerance=1e-9)
    np.testing.assert_allclose(stuck.paths[0, :, 1], 0, atol=1e-9)
    free = paths.minimise(
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

    dense = jax.jit(jax.hessian(of_inner))
    for path, index, least in zip(
        both, record.morse_index, record.least_eigenvalue, strict=True
    ):
        inner = jnp.asarray(path[1:-1])
        hessian = dense(inner, jnp.asarray(path[[0, -1]]))
        hessian = hessian.reshape(inner.size, inner.size)
        assert index == np.sum(np.linalg.eigvalsh(hessian) < 0)
        weights = energy.segment_weights(bump, jnp.asarray(path))
        eye = jnp.eye(inner.size).reshape(-1, *inner.shape)
        matrix = jax.vmap(
            lambda e, w=weights: laplacian.apply_laplacian(
                w, jnp.pad(e, ((1, 1), (0, 0)))
            )[1:-1]
        )(eye).reshape(inner.size, inner.size)
        wanted = np.real(np.linalg.eigvals(np.linalg.solve(matrix, hessian))).min()
        assert least == pytest.approx(wanted, abs=1e-4)
    assert (record.energy <= record.energy_line * (1 + 1e-9)).all()
    assert (record.decrement < 1e-7).all()


def test_the_lower_bound_is_one():
    basis = jax.random.normal(KEY, (3, 5))

    def generate(latents):
        return jnp.tanh(latents @ basis)

    lipschitz = jnp.linalg.norm(basis, 2)
    codes = jax.random.normal(jax.random.key(1), (12, 3))
    images = generate(codes)
    for i in range(0, 12, 2):
        metric = paths.image_metric(generate, images[i], images[i + 1])
        ends = metric(codes[i : i + 2])
        least = paths.least_value(images[i], images[i + 1])
        distance = jnp.linalg.norm(codes[i] - codes[i + 1])
        line = paths.line(codes[i], codes[i + 1], 500)
        energy = paths.path_length(metric, line) ** 2
        slope = jnp.sqrt(2.0) * lipschitz
        bounds = [
            float(paths.energy_bound(ends[0], ends[1], least, distance, k))
            for k in (jnp.asarray(jnp.inf), slope)
        ]
        assert bounds[0] == pytest.approx(float(least * distance**2))
        assert bounds[0] < bounds[1] <= energy
    flat = paths.energy_bound(*map(jnp.asarray, (4.0, 4.0, 1.0, 1.0, 1e-9)))
    assert float(flat) == pytest.approx(4.0)


def test_amplitudes_of_bows_depend_on_pair_and_start_only():
    many = paths.draw_bows(KEY, jnp.zeros((5, 3)), 4, 0)
    few = paths.draw_bows(KEY, jnp.zeros((2, 3)), 2, 3)
    np.testing.assert_array_equal(many[3:, :2], few)
    assert (many[:, 0] == 0).all() and (many[:, 1:] != 0).all()
    begun = starts.starting_paths(jnp.zeros((5, 3)), jnp.ones((5, 3)), 8, many)
    np.testing.assert_allclose(begun[:, :, -1], 1, rtol=1e-12)
