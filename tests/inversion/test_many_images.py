from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from kinks import undeclared

from jaxgan import data, inversion, load_generator, networks
from jaxgan.inversion import recipes, search

KEY = jax.random.key(0)
DIM = 3
NETWORK = networks.mlp_generator(DIM, (8, 16), shape=(6, 6, 1), batch_norm=False)
PARAMS = jax.tree.map(lambda p: 1.5 * p, NETWORK.init(jax.random.key(1)))
GENERATOR = networks.FinishedGenerator(NETWORK.plain, PARAMS)
CODES = jax.random.normal(jax.random.key(2), (5, DIM))
TARGETS = GENERATOR.generate(CODES)
# Steps are taken with rounded corners where kinks are declared, and else without.
FORMS = {"rounded": GENERATOR, "plain": undeclared(GENERATOR)}
both_ways = pytest.mark.parametrize("generator", FORMS.values(), ids=FORMS)
# What does not depend on how a step is computed: the second way only repeats it.
both_ways_if_slow = pytest.mark.parametrize(
    "generator",
    [
        pytest.param(FORMS["rounded"], id="rounded"),
        pytest.param(FORMS["plain"], id="plain", marks=pytest.mark.slow),
    ],
)


def invert(generator, targets=TARGETS, **options: Any):
    given: dict[str, Any] = {"num_starts": 8, "bank_size": 200} | options
    return inversion.invert_many(KEY, generator, targets, **given)


@both_ways
def test_codes_of_reachable_images_are_recovered(generator):
    found = invert(generator, double_steps=30)
    assert found.errors.shape == (5, 8) and found.latents.dtype == np.float64
    best = found.best()
    np.testing.assert_allclose(found.errors.min(1), 0, atol=1e-12)
    np.testing.assert_allclose(best, CODES, atol=1e-4)
    assert found.finished[found.errors < 1e-12].all()


@both_ways_if_slow
def test_what_is_found_does_not_depend_on_chunks_or_other_images(generator):
    targets = jnp.clip(TARGETS + 0.3, -1, 1)  # not reachable
    whole = invert(generator, targets)
    other = invert(generator, targets, chunk=3)
    np.testing.assert_allclose(other.errors, whole.errors, rtol=1e-3)
    alone = invert(generator, targets[3:], first_image=3)
    np.testing.assert_allclose(alone.errors, whole.errors[3:], rtol=1e-3)
    fewer = invert(generator, targets, num_starts=4, bank_size=0)
    more = invert(generator, targets, num_starts=6, bank_size=0)
    np.testing.assert_allclose(fewer.errors, more.errors[:, :4], rtol=1e-3)


def test_the_error_is_per_pixel_on_the_unit_scale():
    found = invert(GENERATOR, max_steps=5)
    latents = jnp.asarray(found.latents[2], jnp.float32)
    pixels, target = (GENERATOR.generate(latents) + 1) / 2, (TARGETS[2] + 1) / 2
    expected = jnp.mean((pixels - target[None]) ** 2, (1, 2, 3))
    np.testing.assert_allclose(found.errors[2], expected, rtol=1e-4, atol=1e-9)


def conv():
    network = networks.conv_generator(DIM, width=8, channels=(4, 2), batch_norm=False)
    params = network.init(jax.random.key(1))
    return networks.FinishedGenerator(network.plain, params)


def with_output(output):
    network = networks.mlp_generator(
        DIM, (8, 16), shape=(6, 6, 1), output=output, batch_norm=False
    )
    return networks.FinishedGenerator(network.plain, PARAMS)


@pytest.mark.parametrize(
    ("generator", "low", "high"),
    [
        # minima/test_any_network.py settles one against a grid.
        pytest.param(conv(), -1, 1, marks=pytest.mark.slow),
        # The default tests invert one through the command: test_own_generators.
        pytest.param(with_output(networks.SIGMOID), 0, 1, marks=pytest.mark.slow),
        (with_output(networks.linear(-20.0, 20.0)), -20, 20),
    ],
    ids=["convolutional", "sigmoid", "linear"],
)
def test_generators_of_all_kinds_are_inverted(generator, low, high):
    latents = CODES[:3]
    images = generator.generate(latents)
    assert low <= float(images.min()) and float(images.max()) <= high
    found = invert(generator, images, num_starts=4)
    np.testing.assert_allclose(found.best(), latents, atol=1e-4)
    # Of other images the errors are those of pixels in [0, 1], whatever the units.
    shifted = jnp.clip(images + 0.2 * (high - low), low, high)
    found = invert(generator, shifted, num_starts=4, double_steps=0)
    made = generator.generate(jnp.asarray(found.best(), jnp.float32))
    pixels, targets = (made - low) / (high - low), (shifted - low) / (high - low)
    expected = jnp.mean((pixels - targets) ** 2, (1, 2, 3))
    assert expected.min() > 1e-4
    np.testing.assert_allclose(found.errors.min(1), expected, rtol=1e-4)


@both_ways
def test_survivors_are_the_best_and_cost_less(generator):
    targets = jnp.clip(TARGETS + 0.3, -1, 1)
    all_ = invert(generator, targets)
    few = invert(generator, targets, survivors=2)
    assert (few.finished.sum(1) <= 2).all()
    assert few.steps[-1].sum() < 0.7 * all_.steps[-1].sum()
    assert (few.errors.min(1) <= np.median(all_.errors, 1) + 1e-9).all()
    # After the first round the best start of each image goes on, the worst does not.
    images, first = np.arange(len(targets)), few.history[1]
    later = (few.steps[-1] - few.steps[1]) > 0
    assert later[images, first.argmin(1)].all()
    assert not later[images, first.argmax(1)].any()


def test_the_better_half_of_each_image_survives_and_equal_ones_in_their_order():
    values = np.array([[3.0, 1.0, np.inf, 2.0, 4.0, 0.0], [5.0, 5, 5, 5, 5, 5]])
    everywhere = np.ones(12, bool)
    begun = search.Progress(
        *(np.zeros((12, 2)), values.ravel(), values.ravel()),
        *(np.zeros(12, int), ~everywhere, everywhere),
    )
    kept = search._better_half(begun, 2, survivors=1).reshape(2, 6)
    assert kept.tolist() == [[0, 1, 0, 1, 0, 1], [1, 1, 1, 0, 0, 0]]
    # The next time half of the three that are left, and never fewer than wanted.
    again = begun._replace(kept=kept.ravel())
    last = search._better_half(again, 2, survivors=1).reshape(2, 6)
    assert last.tolist() == [[0, 1, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0]]
    assert (search._better_half(again, 2, survivors=3) == again.kept).all()


def with_logits(generator, logits):
    network = generator.network._replace(logits=logits)
    return networks.FinishedGenerator(network, generator.params)


@both_ways_if_slow
def test_a_start_that_is_not_finite_is_marked_and_spreads_nowhere(generator):
    def broken(params, latents, kink):
        # Not a number in a half-space that contains about half of the starts.
        logits = generator.network.logits(params, latents, kink)
        return jnp.where(latents[:, :1, None, None] > 0, jnp.nan, logits)

    codes = CODES.at[:, 0].set(-jnp.abs(CODES[:, 0]))
    found = invert(
        with_logits(generator, broken),
        generator.generate(codes),
        num_starts=12,
        bank_size=0,
    )
    lost = ~np.isfinite(found.errors)
    assert 0.2 < lost.mean() < 0.8 and not found.finished[lost].any()
    assert np.isfinite(found.errors.min(1)).all()
    np.testing.assert_allclose(found.errors.min(1), 0, atol=1e-6)


@pytest.mark.slow
def test_rounded_corners_lead_lower():
    """Beyond the first minimum that plain steps are caught in, on real digits."""
    generator = load_generator("mnist-wgan-gp-expansive")
    targets = jnp.asarray(data.load("sample", "test").images[:6] / 127.5 - 1)
    plain, rounded = (
        inversion.invert_many(
            KEY,
            form,
            targets.astype(jnp.float32),
            num_starts=4,
            bank_size=0,
            double_steps=0,
        )
        for form in (undeclared(generator), generator)
    )
    ratios = rounded.errors / plain.errors
    assert np.median(ratios) < 1
    assert (rounded.errors.min(1) < plain.errors.min(1)).all()


@both_ways
def test_history_ends_where_the_search_did_and_never_rises(generator):
    found = invert(generator, jnp.clip(TARGETS + 0.3, -1, 1))
    assert (np.diff(found.history, axis=0) <= 1e-6 * found.history[:-1]).all()
    np.testing.assert_array_equal(found.history[-1], found.errors)
    assert (found.steps[0] == 0).all() and (np.diff(found.steps, axis=0) >= 0).all()


def test_a_second_call_compiles_nothing():
    traces = []

    def counted(params, latents, kink):
        traces.append(latents.shape)
        return NETWORK.plain.logits(params, latents, kink)

    def search(scale):
        params = jax.tree.map(lambda p: scale * p, PARAMS)
        network = NETWORK.plain._replace(logits=counted)
        generator = networks.FinishedGenerator(network, params)
        inversion.invert_many(KEY, generator, TARGETS[:2], num_starts=4, chunk=4)
        return len(traces)

    once = search(1.0)
    # The precision of what it computes is looked at each time.
    assert search(1.0) == once + 1
    assert search(1.1) == once + 2  # with other weights


def test_a_model_that_is_loaded_twice_is_compiled_once():
    first, again = (load_generator("mnist-wgan-gp-2d") for _ in range(2))
    programs = [inversion.sample_bank, search._advance, search._evaluate]

    def compiled(generator):
        images = generator.generate(jnp.ones((1, 2)))
        invert(generator, images, num_starts=2, max_steps=5, double_steps=0)
        return [program._cache_size() for program in programs]  # pyright: ignore

    assert compiled(first) == compiled(again)


def test_bad_numbers_are_refused():
    for survivors in (0, 9):
        message = f"survivors must be in 1…num_starts, got {survivors} of 8"
        with pytest.raises(ValueError, match=message):
            invert(GENERATOR, survivors=survivors)
    with pytest.raises(ValueError, match="num_starts must be ≥ 1, got 0"):
        inversion.invert_from(GENERATOR, np.zeros((5, 0, DIM)), TARGETS)
    with pytest.raises(ValueError, match="prior_weight must be ≥ 0, got -1"):
        invert(GENERATOR, prior_weight=-1.0)
    flat = TARGETS.reshape(5, -1)
    with pytest.raises(ValueError, match="a bank of 10 has no 20 nearest codes"):
        inversion.nearest_starts((jnp.zeros((10, 2)), jnp.zeros((10, 36))), flat, 20)

    def single(params, latents, kink):
        params = jax.tree.map(lambda p: p.astype(jnp.float32), params)
        return NETWORK.plain.logits(params, latents.astype(jnp.float32), kink)

    with pytest.raises(ValueError, match="precision of its latents"):
        invert(with_logits(GENERATOR, single), num_starts=2)


def test_nearest_starts_are_the_nearest():
    bank = inversion.sample_bank(KEY, GENERATOR, 50)
    flat = TARGETS.reshape(5, -1)
    found = inversion.nearest_starts(bank, flat, 4)
    gaps = np.asarray(bank[1])[None] - np.asarray(flat)[:, None]
    distances = np.linalg.norm(gaps, axis=2)
    expected = np.asarray(bank[0])[distances.argsort(1)[:, :4]]
    np.testing.assert_allclose(found, expected)


def test_descent_keeps_the_best_point():
    """A step size that overshoots: the last iterate is not the best one."""
    start, generate = jnp.ones((2, DIM)), GENERATOR.generate
    found = inversion.descend(generate, start, TARGETS[:2], optax.sgd(0.7), 40)
    values = [
        inversion.objective(generate, target)(latent)
        for latent, target in zip(found.latents, TARGETS, strict=False)
    ]
    np.testing.assert_allclose(found.values, values, rtol=1e-5)
    for n in (1, 10, 39):
        shorter = inversion.descend(generate, start, TARGETS[:2], optax.sgd(0.7), n)
        assert (found.values <= shorter.values * (1 + 1e-5)).all()


def test_descent_treats_each_instance_on_its_own():
    optimizer = optax.sgd(0.1, momentum=0.7)
    latents = jax.random.normal(KEY, (5, DIM))
    generate = GENERATOR.generate
    whole = inversion.descend(generate, latents, TARGETS, optimizer, 20)
    for number in range(5):
        one = slice(number, number + 1)
        alone = inversion.descend(generate, latents[one], TARGETS[one], optimizer, 20)
        np.testing.assert_allclose(alone.values, whole.values[one], rtol=1e-3)


def test_cross_entropy_does_not_saturate_with_tanh():
    def by_logit(fit, logit):
        return jax.grad(lambda a: fit(jnp.tanh(a), jnp.array([-0.5])))(
            jnp.array([logit])
        )

    # By the logit a of tanh(a): the residual itself, (tanh a − x).
    for logit in (0.0, 1.0, 3.0):
        np.testing.assert_allclose(
            by_logit(inversion.cross_entropy, logit), jnp.tanh(logit) + 0.5, rtol=2e-3
        )
    assert float(by_logit(inversion.squared_error, 6.0)[0]) < 1e-4


def follow(recipe, targets=TARGETS, **options: Any):
    """Optax itself mixes types; everything of ours is strict elsewhere."""
    with jax.numpy_dtype_promotion("standard"):
        return inversion.follow_recipe(KEY, GENERATOR, recipe, targets, **options)


@pytest.mark.parametrize("name", inversion.RECIPES)
def test_recipes_lower_the_error_within_their_budget(name):
    recipe = inversion.RECIPES[name]
    few = min(recipe.num_steps, 50)
    recipe = recipe._replace(num_steps=few)
    found = follow(recipe, budget=2 * few + 1)
    assert found.gradients == 2 * few and found.errors.shape == (5, 2)
    begin = follow(recipe._replace(num_steps=1), budget=2)
    assert np.median(found.errors.min(1) / begin.errors.min(1)) < 0.7
    images = GENERATOR.generate(jnp.asarray(found.latents[:, 0]))
    expected = jnp.mean(((images - TARGETS) / 2) ** 2, (1, 2, 3))
    # Of an image that is found exactly, nothing but rounding is left.
    np.testing.assert_allclose(found.errors[:, 0], expected, rtol=1e-5, atol=1e-13)


def test_recipes_treat_images_on_their_own():
    recipe = inversion.RECIPES["lipton"]._replace(num_steps=10)
    whole = follow(recipe, budget=20)
    alone = follow(recipe, TARGETS[3:], first_image=3, budget=20)
    np.testing.assert_allclose(alone.latents, whole.latents[3:], rtol=1e-4, atol=1e-5)


def test_projections_of_recipes_hold():
    sphere = follow(inversion.RECIPES["pulse"], budget=200)
    np.testing.assert_allclose((sphere.latents**2).sum(2), DIM, rtol=1e-4)
    box = follow(inversion.RECIPES["lipton"], budget=200)
    assert (np.abs(box.latents) <= recipes.BOX + 1e-6).all()
