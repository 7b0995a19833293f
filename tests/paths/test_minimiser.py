"""The minimiser of paths: few evaluations, no pair in another's way, failures kept."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import networks, paths
from jaxgan.paths import laplacian, starts
from jaxgan.paths.conformal import CORNER_WIDTH

DIM = 4
NETWORK = networks.mlp_generator(DIM, (8, 16), shape=(12,), batch_norm=False)
PARAMS = jax.tree.map(lambda p: 1.5 * p, NETWORK.init(jax.random.key(1)))
GENERATOR = networks.FinishedGenerator(NETWORK.plain, PARAMS)
METRICS = paths.between_images(GENERATOR)
CODES = jax.random.normal(jax.random.key(2), (2, 6, DIM))
ITEMS = tuple(NETWORK.apply(PARAMS, codes) for codes in CODES)
LEVELS = (8, 16)


def minimise(chosen=slice(None), metrics=METRICS, items=ITEMS, **options):
    some = jax.tree.map(lambda leaf: leaf[chosen], (CODES[0], CODES[1], items))
    return paths.minimise_many(metrics, *some, levels=LEVELS, **options)


@pytest.fixture(scope="module")
def found():
    return minimise()


def test_paths_are_better_than_lines_and_keep_their_ends(found):
    lines = [
        paths.path_energy(METRICS.metric_of((a, b)), paths.line(start, end, LEVELS[-1]))
        for start, end, a, b in zip(*CODES, *ITEMS, strict=True)
    ]
    assert (found.energies[:, -1] < np.array(lines)).all() and found.finished.all()
    np.testing.assert_allclose(found.paths[:, 0], CODES[0], rtol=1e-6)
    np.testing.assert_allclose(found.paths[:, -1], CODES[1], rtol=1e-6)
    for path, energy, a, b in zip(
        found.paths, found.energies[:, -1], *ITEMS, strict=True
    ):
        again = paths.path_energy(METRICS.metric_of((a, b)), jnp.asarray(path))
        assert float(again) == pytest.approx(float(energy), rel=1e-5)
    best = np.minimum.accumulate(found.history, 1)
    np.testing.assert_array_equal(found.history, best)
    np.testing.assert_array_equal(found.history[:, -1], found.energies[:, -1])
    sampled = 2 * 4 * DIM  # Both levels sample four points of the path.
    cost = (found.evaluations @ np.array(LEVELS) + sampled) / LEVELS[-1]
    np.testing.assert_allclose(found.cost, cost)


def test_what_is_found_for_a_pair_does_not_depend_on_the_batch(found):
    few = minimise(slice(3, 5))
    np.testing.assert_array_equal(few.evaluations, found.evaluations[3:5])
    np.testing.assert_allclose(few.paths, found.paths[3:5], atol=1e-5)
    np.testing.assert_allclose(few.energies, found.energies[3:5], rtol=1e-6)


def test_a_key_without_random_starts_changes_nothing(found):
    other = minimise(key=jax.random.key(3))
    np.testing.assert_array_equal(other.paths, found.paths)


def test_one_trace_serves_all_calls_of_a_shape_and_all_weights():
    traced = []

    def logits(*given):
        traced.append(1)
        return NETWORK.plain.logits(*given)

    network = NETWORK.plain._replace(logits=logits)
    several = [
        networks.FinishedGenerator(network, jax.tree.map(lambda p, k=k: k * p, PARAMS))
        for k in (1.0, 0.5)
    ]
    first, second = (
        minimise(chosen, paths.between_images(generator))
        for chosen, generator in zip((slice(2), slice(2, 4)), several, strict=True)
    )
    once = len(traced)
    again = minimise(slice(2, 4), paths.between_images(several[0]))
    assert once > 0 and len(traced) == once
    assert (again.energies != second.energies).all() and first.finished.all()


def test_steps_are_the_same_without_jit():
    method, curvature = (
        paths.lbfgs(),
        starts.curvatures(None, CODES.swapaxes(0, 1), None),
    )
    own = jax.tree.map(lambda leaf: leaf[0], curvature)
    metric = METRICS.metric_of((ITEMS[0][0], ITEMS[1][0]))
    eager = compiled = method.init(paths.line(CODES[0, 0], CODES[1, 0], 5))
    step = jax.jit(lambda state: method.step(metric, own, state))
    for _ in range(3):
        eager, compiled = method.step(metric, own, eager), step(compiled)
    np.testing.assert_allclose(eager.path, compiled.path, rtol=1e-4, atol=1e-5)
    line = paths.path_energy(metric, paths.line(CODES[0, 0], CODES[1, 0], 5))
    assert eager.energy < line


def test_a_metric_that_is_not_finite_is_a_value_and_never_chosen():
    def at(_, item):
        def metric(latents):
            well = 1 + jnp.sum(latents * latents, 1)
            inside = jnp.abs(latents[:, 1]) > item
            return jnp.where(inside, jnp.nan, well)

        return metric

    limits = jnp.array([np.inf, 0.6, -1.0], jnp.float32)
    a = jnp.tile(jnp.array([[1.0, 0.5]]), (3, 1))
    found = paths.minimise_many(
        paths.MetricFamily(at), a, -a, limits, levels=(4,), tolerance=1e-6
    )
    assert np.isfinite(found.energies[:2]).all() and np.isinf(found.energies[2]).all()
    assert found.finished.tolist()[::2] == [True, False]
    assert np.isfinite(found.paths[:2]).all()


def between_points(metric, a, b, **options):
    codes = (jnp.array(each, jnp.float32) for each in (a, b))
    return paths.minimise(paths.common(metric), *codes, levels=(4, 8), **options)


def test_a_search_that_gave_up_is_not_finished():
    def climbing(curvature, weights, path, gradient):
        return -gradient

    def well(z):
        return 1 + jnp.sum(z * z, 1)

    method = paths.lbfgs(climbing, uses_curvature=False)
    up = between_points(well, [1.0, 0.5], [-1.0, 0.6], method=method)
    down = between_points(well, [1.0, 0.5], [-1.0, 0.6])
    assert not up.finished and down.finished and up.energy > 1.01 * down.energy


@pytest.mark.parametrize("height", [0.0, 1.0])
def test_a_path_that_costs_nothing_is_finished(height):
    def flat(z):
        return jnp.full(len(z), height)

    there = [1.0 + height, 2.0]  # without a metric, or without a distance
    found = between_points(flat, [2.0, 2.0], there)
    assert found.energy == 0 and found.finished and found.decrement == 0
    assert (found.evaluations == 1).all() and found.differentiable


def test_a_hill_is_left_by_random_starts_only():
    def hill(z):
        return 1 + 9 * jnp.exp(-8 * jnp.sum(z * z, 1))

    ends = [-1.0, 0.0], [1.0, 0.0]
    straight = between_points(hill, *ends)
    bent = between_points(hill, *ends, num_starts=4, key=jax.random.key(0))
    assert straight.finished and straight.energy > 1.3 * bent.energy
    record = paths.record_paths(
        jax.random.key(1),
        paths.common(hill),
        np.stack([np.asarray(straight.path), np.asarray(bent.path)]),
    )
    assert record.morse_index[0] >= 1 and record.morse_index[1] == 0


def tanh_pairs(count, dim):
    """Random tanh networks, one for each pair of codes."""
    key = jax.random.key(dim)
    weights = [
        jax.random.normal(jax.random.fold_in(key, k), (count, *shape))
        / np.sqrt(shape[0])
        for k, shape in enumerate([(dim, 64), (64, 64), (64, 100)])
    ]
    codes = jax.random.normal(jax.random.fold_in(key, 3), (2, count, dim))

    def logits(weights, latents, kink):
        for matrix in weights[:-1]:
            latents = jnp.tanh(latents @ matrix)
        return latents @ weights[-1]

    network = networks.FinishedNetwork(logits, dim, slope=None)

    def own(item):
        weights, *images = item
        generator = networks.FinishedGenerator(network, weights)
        return paths.between_images(generator), tuple(images)

    images = [
        jax.vmap(lambda w, z: network.apply(w, z[None])[0])(weights, z) for z in codes
    ]

    def at(_, item):
        metrics, images = own(item)
        return metrics.metric_of(images)

    def curvature(_, item, latents):
        metrics, images = own(item)
        return metrics.curvature(images, latents)

    metrics = paths.MetricFamily(at, curvature)
    return metrics, codes[0], codes[1], (weights, *images)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 8, 64])
def test_smooth_cases_take_few_evaluations_however_fine(dim):
    with jax.enable_x64(True):
        given = tanh_pairs(20, dim)
        counts = {}
        for finest in (32, 512):
            levels = tuple(2**k for k in range(3, finest.bit_length()))
            found = paths.minimise_many(
                *given, levels=levels, tolerance=1e-11, max_evaluations=60
            )
            # Without the curvature, whose sampling costs as many columns as `dim`.
            shares = np.array(levels[:-1]) / finest
            coarse = found.evaluations[:, :-1] @ shares
            reached = found.history <= found.energies[:, -1:] * (1 + 1e-8)
            counts[finest] = np.median(coarse + reached.argmax(1) + 1)
    assert counts[32] <= 12 and counts[512] <= 1.2 * counts[32], counts


def test_coarse_levels_see_no_kinks_and_the_last_one_sees_them(found):
    a, b = CODES

    def coarse(metrics):
        tolerance = 4e-5  # That of the coarser of two levels.
        return paths.minimise_many(
            metrics, a, b, ITEMS, levels=LEVELS[:1], tolerance=tolerance
        )

    smooth = paths.between_images(networks.round_corners(GENERATOR, CORNER_WIDTH))
    np.testing.assert_allclose(
        found.energies[:, 0], coarse(smooth).energies[:, 0], rtol=1e-6
    )
    kinked = coarse(METRICS)
    assert (abs(kinked.energies[:, 0] / found.energies[:, 0] - 1) > 1e-4).any()
    again = [
        float(paths.path_energy(METRICS.metric_of((x, y)), jnp.asarray(path)))
        for path, x, y in zip(kinked.paths, *ITEMS, strict=True)
    ]
    np.testing.assert_allclose(kinked.energies[:, -1], again, rtol=1e-5)


def test_the_smoothing_of_ones_own_is_for_three_levels_and_not_for_the_last():
    """λ = c costs cℓ² on every level, and 3cℓ² on those that take it for 3c."""

    def constant(c, _):
        return lambda latents: jnp.broadcast_to(c, latents.shape[:1])

    metrics = paths.MetricFamily(
        constant, data=jnp.float32(2.0), smoothing=lambda c: 3 * c
    )
    a, b = jnp.zeros((1, 2)), jnp.array([[3.0, 4.0]])
    found = paths.minimise_many(metrics, a, b, levels=(4, 8, 16))
    np.testing.assert_allclose(found.energies, [[150, 150, 50]], rtol=1e-5)
    many = paths.minimise_many(metrics, a, b, levels=(4, 8, 16, 32, 64))
    np.testing.assert_allclose(many.energies, [[150, 150, 150, 50, 50]], rtol=1e-5)
    one = paths.minimise(metrics, a[0], b[0], levels=(8,))
    np.testing.assert_allclose(one.energies, [50], rtol=1e-5)


def test_what_has_no_kinks_or_does_not_declare_them_is_not_smoothed():
    smooth = paths.between_images(networks.round_corners(GENERATOR, 0.3))
    undeclared = networks.FinishedGenerator(NETWORK.plain._replace(slope=None), PARAMS)
    for metrics in (smooth, paths.between_images(undeclared)):
        assert metrics.smoothed().data is metrics.data
    common = paths.common(METRICS.metric_of((ITEMS[0][0], ITEMS[1][0])))
    assert common.smoothed() is common
    assert METRICS.smoothed().data.network.slope == networks.SMOOTH


@pytest.mark.slow
def test_without_kinks_on_coarse_levels_paths_end_lower_with_less():
    """Kinks make many local minima: a hundred pairs of the generator that ships.

    Their codes are twice as long as those of the prior, as those of test digits are.
    """
    generator = jaxgan.load_generator("mnist-wgan-gp")
    metrics = paths.between_images(generator)
    codes = 2 * jax.random.normal(jax.random.key(2), (2, 100, generator.latent_dim))
    items = tuple(generator.generate(each) for each in codes)
    with_kinks, without = (
        paths.minimise_many(each, codes[0], codes[1], items)
        for each in (dataclasses.replace(metrics, smoothing=None), metrics)
    )
    ratios = without.energies[:, -1] / with_kinks.energies[:, -1]
    assert np.log(ratios).mean() < 0
    assert np.median(without.cost) < np.median(with_kinks.cost)


def test_a_preconditioner_of_ones_own_gets_the_curvature(found):
    def wrapped(*given):
        return laplacian.solve_screened(*given)

    other = minimise(method=paths.lbfgs(wrapped))
    np.testing.assert_array_equal(other.paths, found.paths)
    np.testing.assert_array_equal(other.cost, found.cost)
    assert not paths.lbfgs(wrapped, uses_curvature=False).uses_curvature


def test_baselines_share_the_interface_and_the_minimum(found):
    for method, evaluations, promotion in (
        (paths.georce(), 100, "strict"),
        (paths.plain_lbfgs(), 100, "strict"),
        (paths.adam(3e-3), 300, "standard"),  # optax itself mixes types
    ):
        with jax.numpy_dtype_promotion(promotion):
            other = minimise(method=method, tolerance=0.0, max_evaluations=evaluations)
        np.testing.assert_allclose(other.energies, found.energies, rtol=2e-3)
        cost = other.evaluations @ np.array(LEVELS) / LEVELS[-1]
        np.testing.assert_allclose(other.cost, cost)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (8, 12)}, r"levels of 2 or more that double, got \(8, 12\)"),
        ({"levels": ()}, "that double"),
        ({"num_starts": 3}, "key must be given when num_starts > 1, got 3 starts"),
        ({"num_starts": 0}, "num_starts must be ≥ 1, got 0"),
        ({"tolerance": -1.0}, "tolerance must be ≥ 0"),
        ({"codes_b": CODES[1, :2]}, r"got \(6, 4\) and \(2, 4\)"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    given = {"codes_a": CODES[0], "codes_b": CODES[1], "items": ITEMS} | options
    with pytest.raises(ValueError, match=message):
        paths.minimise_many(METRICS, **given)
    one = {k: v for k, v in options.items() if k != "codes_b"}
    a, b = given["codes_a"][0], given["codes_b"][0]
    if one:
        with pytest.raises(ValueError, match=message):
            paths.minimise(METRICS, a, b, **one)
