from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from weights import shaken

import jaxgan
from jaxgan import networks
from jaxgan.networks.piecewise import is_smooth

KEY = jax.random.key(0)


def latents(count, dimension, seed=1):
    return jax.random.normal(jax.random.key(seed), (count, dimension))


def small_conv_generator():
    return networks.conv_generator(5, width=16, channels=(8, 4))


@pytest.mark.parametrize(
    "generator", [networks.mlp_generator(5, (8, 16, 12)), small_conv_generator()]
)
def test_generators_make_images_in_range(generator):
    images = generator.apply(generator.init(KEY), 10 * latents(6, 5))
    assert images.shape == (6, 28, 28, 1)
    assert images.dtype == jnp.float32
    assert jnp.abs(images).max() <= 1


def test_a_generator_over_the_plane_is_not_squashed():
    generator = networks.mlp_generator(
        2, (32, 32), shape=(2,), output=networks.linear(-1.0, 1.0)
    )
    points = generator.apply(shaken(generator.init(KEY)), 20 * latents(500, 2))
    assert points.shape == (500, 2)
    assert jnp.abs(points).max() > 1


@pytest.mark.parametrize(
    "critic", [networks.mlp_critic((16, 8)), networks.conv_critic((4, 8), width=16)]
)
def test_critics_score_every_example_on_its_own(critic):
    params = shaken(critic.init(KEY))
    images = jax.random.uniform(KEY, (6, 28, 28, 1))
    scores = critic.apply(params, images)
    changed = critic.apply(params, images.at[2].set(-1.0))
    assert scores.shape == (6,)
    others = np.array([0, 1, 3, 4, 5])
    np.testing.assert_allclose(changed[others], scores[others], rtol=1e-5, atol=1e-6)
    assert changed[2] != scores[2]
    np.testing.assert_allclose(
        critic.apply(params, images[:1])[0], scores[0], rtol=1e-5, atol=1e-6
    )


def test_default_parameter_counts():
    def count(network):
        return sum(p.size for p in jax.tree.leaves(jax.eval_shape(network.init, KEY)))

    affine = lambda i, o: i * o + o  # noqa: E731
    normalised = lambda i, o: i * o + 2 * o  # noqa: E731
    assert count(networks.mlp_critic()) == (
        affine(784, 512) + affine(512, 256) + affine(256, 1)
    )
    assert count(networks.mlp_generator(64)) == (
        affine(64, 128)
        + normalised(128, 256)
        + normalised(256, 512)
        + normalised(512, 1024)
        + affine(1024, 784)
    )


def test_hidden_layers_after_the_first_are_normalised():
    params = networks.mlp_generator(5).init(KEY)
    assert ["norm" in params[f"hidden_{i}"] for i in range(4)] == [
        False,
        True,
        True,
        True,
    ]
    assert "norm" not in params["output"]


def normalising_generator(scale):
    """A generator whose output is its normalised layer, made to see small signals."""
    generator = networks.mlp_generator(
        3, (4, 4), shape=(4,), output=networks.linear(-1.0, 1.0)
    )
    params = shaken(generator.init(KEY))
    params["hidden_1"]["affine"]["kernel"] *= scale
    params["hidden_1"]["norm"] = {"scale": jnp.ones(4), "bias": jnp.full(4, 100.0)}
    params["output"] = {"kernel": jnp.eye(4), "bias": jnp.full(4, -100.0)}
    return generator.apply(params, latents(512, 3))


def test_normalisation_gives_mean_zero_and_variance_one_at_any_scale():
    # 0.8 in place of 1e-5 would leave a variance of 0.56 and less.
    for scale in (1.0, 0.3):
        out = np.asarray(normalising_generator(scale), np.float64)
        np.testing.assert_allclose(out.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(out.var(0), 1, atol=1e-2)


@pytest.mark.parametrize(
    "generator", [networks.mlp_generator(5, (8, 16, 12)), small_conv_generator()]
)
def test_folding_computes_the_same_function(generator):
    params = shaken(generator.init(KEY))
    z = latents(300, 5)
    finished = generator.fold(params, z)
    assert finished.network is generator.plain
    folded = finished.params
    np.testing.assert_allclose(
        finished.generate(z), generator.apply(params, z), atol=2e-5
    )
    names = jax.tree_util.keystr(jax.tree_util.tree_leaves_with_path(folded)[0][0])
    assert "norm" not in names and all("norm" not in layer for layer in folded.values())
    np.testing.assert_allclose(
        finished.generate(z[:1])[0], finished.generate(z)[0], atol=1e-5
    )


def test_statistics_over_many_latents_stand_for_any_large_batch():
    generator = networks.mlp_generator(5, (8, 16, 12))
    params = shaken(generator.init(KEY))
    finished = generator.fold(params, latents(20_000, 5))
    z = latents(20_000, 5, seed=2)
    difference = finished.generate(z) - generator.apply(params, z)
    # Means over n draws differ by O(1/√n) = 0.007 standard deviations a layer.
    assert jnp.sqrt(jnp.mean(difference**2)) < 0.03


def test_a_generator_with_rounded_corners_is_smooth_before_and_after_folding():
    width = 0.3
    kinked = networks.mlp_generator(5, (8, 16, 12))
    smooth = networks.mlp_generator(5, (8, 16, 12), corner_width=width)
    jax.tree.map(np.testing.assert_array_equal, smooth.init(KEY), kinked.init(KEY))
    params, z = shaken(kinked.init(KEY)), latents(300, 5)
    finished = smooth.fold(params, z)
    images = smooth.apply(params, z)
    np.testing.assert_allclose(finished.generate(z), images, atol=2e-5)
    assert is_smooth(finished) and not is_smooth(kinked.fold(params, z))
    assert jnp.abs(images - kinked.apply(params, z)).max() > 1e-2
    # The same weights, folded with kinks and then rounded, are the same network.
    plain = networks.FinishedGenerator(kinked.plain, finished.params)
    rounded = networks.round_corners(plain, width)
    np.testing.assert_array_equal(rounded.generate(z), finished.generate(z))


def test_the_corners_are_as_exact_as_the_units():
    smooth = networks.mlp_generator(5, (8, 16, 12), corner_width=0.3)
    params, z = shaken(smooth.init(KEY)), latents(50, 5)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (params, z))
        finished = smooth.fold(params, z).as_type(jnp.float64)
        generate = jax.jit(lambda z: smooth.apply(exact[0], z))
        step = 1e-5
        ahead, behind = generate(exact[1] + step), generate(exact[1] - step)
        _, slope = jax.jvp(generate, (exact[1],), (jnp.ones_like(exact[1]),))
        assert slope.dtype == jnp.float64
        np.testing.assert_allclose((ahead - behind) / (2 * step), slope, atol=1e-8)
        assert finished.generate(exact[1]).dtype == jnp.float64


def test_narrow_corners_are_nearly_kinks():
    kinked = networks.mlp_generator(5, (8, 16, 12))
    params, z = shaken(kinked.init(KEY)), latents(300, 5)
    images = kinked.apply(params, z)
    for width in (1e-2, 1e-3):
        narrow = networks.mlp_generator(5, (8, 16, 12), corner_width=width)
        gap = jnp.abs(narrow.apply(params, z) - images).max()
        assert 0 < gap < 10 * width


def test_the_plain_generator_folds_into_itself():
    generator = networks.mlp_generator(3, (8,), batch_norm=False)
    params = generator.init(KEY)
    finished = generator.fold(params, latents(10, 3))
    jax.tree.map(np.testing.assert_array_equal, finished.params, params)
    np.testing.assert_allclose(
        finished.generate(latents(4, 3)), generator.apply(params, latents(4, 3))
    )


def test_compiled_and_uncompiled_networks_agree():
    generator, critic = networks.mlp_generator(5, (8, 16)), networks.mlp_critic((8,))
    params, scorer = shaken(generator.init(KEY)), shaken(critic.init(KEY))
    z = latents(10, 5)
    images = generator.apply(params, z)
    np.testing.assert_allclose(
        jax.jit(generator.apply)(params, z), images, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        jax.jit(critic.apply)(scorer, images),
        critic.apply(scorer, images),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda: networks.mlp_generator(0),
        lambda: networks.mlp_generator(3, (8, 0)),
        lambda: networks.mlp_critic((-1,)),
        lambda: networks.conv_generator(3, width=0),
        lambda: networks.conv_critic((0, 4)),
    ],
)
def test_sizes_below_one_are_refused(build):
    with pytest.raises(ValueError, match="at least 1, got"):
        build()


@pytest.mark.parametrize("width", [-0.1, float("nan"), float("inf")])
def test_widths_of_corners_that_cannot_be_are_refused(width):
    with pytest.raises(ValueError, match="corner_width must be ≥ 0 and finite, got"):
        networks.mlp_generator(3, corner_width=width)


def test_only_the_networks_package_imports_flax():
    root = Path(jaxgan.__file__).parent
    users = [p for p in root.rglob("*.py") if "import flax" in p.read_text()]
    assert users and {path.parent.name for path in users} == {"networks"}
