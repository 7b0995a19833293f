"""What is said of generators with a known fault."""

import jax
import jax.numpy as jnp
import pytest

import jaxgan
from jaxgan import networks

KEY = jax.random.key(0)
PARAMS = {
    "first": jax.random.normal(jax.random.fold_in(KEY, 1), (3, 16)),
    "last": 0.3 * jax.random.normal(jax.random.fold_in(KEY, 2), (16, 6)),
}


def good(params, latents, kink):
    return kink(latents @ params["first"]) @ params["last"]


def normalised(params, latents, kink):
    hidden = latents @ params["first"]
    return kink(hidden - hidden.mean(0, keepdims=True)) @ params["last"]


def hidden_kink(params, latents, kink):
    return jax.nn.relu(kink(latents @ params["first"]) - 0.1) @ params["last"]


def no_kink(params, latents, kink):
    return latents @ params["first"] @ params["last"]


def in_single(params, latents, kink):
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    return good(single, latents.astype(jnp.float32), kink)


def saturated(params, latents, kink):
    return 1e4 * good(params, latents, kink)


def broken(params, latents, kink):
    return latents @ params["last"]


def inside_vmap(params, latents, kink):
    return jax.vmap(lambda latent: kink(latent @ params["first"]) @ params["last"])(
        latents
    )


def for_one_size(params, latents, kink):
    return good(params, latents, kink).reshape(8, -1)


def infinite(params, latents, kink):
    return jnp.inf * good(params, latents, kink)


def one_number(params, latents, kink):
    return good(params, latents, kink).sum(1)


def smooth(params, latents, kink):
    return jax.nn.silu(latents @ params["first"]) @ params["last"]


def not_smooth(params, latents, kink):
    return jax.nn.relu(latents @ params["first"]) @ params["last"]


calls = []


def noisy(params, latents, kink):
    calls.append(1)
    return good(params, latents, jax.nn.relu) + 0.01 * len(calls)


def said_of(logits, **options):
    network = networks.FinishedNetwork(logits, 3, **options)
    return networks.check(KEY, networks.FinishedGenerator(network, PARAMS))


@pytest.mark.parametrize(
    ("logits", "options", "words"),
    [
        (normalised, {}, "depends on the other latents of its batch"),
        (hidden_kink, {}, "it is not affine"),
        (no_kink, {}, "never calls the function"),
        (in_single, {}, "in single precision"),
        (saturated, {}, "only black and white"),
        (broken, {}, "cannot be evaluated: TypeError"),
        (inside_vmap, {}, "inside of jax.vmap"),
        (for_one_size, {}, "at one latent alone: TypeError"),
        (infinite, {"output": networks.linear(0.0, 1.0)}, "are not finite"),
        (one_number, {}, "8 latents must make 8 images"),
        (noisy, {"slope": None}, "it draws noise"),
        (good, {"slope": None}, "declares no slope"),
        (not_smooth, {"slope": networks.SMOOTH}, "its slope jumps"),
        (good, {"slope": networks.SMOOTH}, "calls the function for kinks"),
        (good, {"output": networks.linear(0.0, 0.1)}, "declared to be from 0 to 0.1"),
    ],
)
def test_a_fault_is_named(logits, options, words):
    said = said_of(logits, **options)
    assert any(words in sentence for sentence in said)
    assert not any("\n" in sentence for sentence in said)


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("output", [networks.TANH, networks.SIGMOID])
def test_nothing_is_said_of_a_sound_generator(slope, output):
    assert said_of(good, slope=slope, output=output) == ()


def test_nothing_is_said_of_a_smooth_generator():
    assert said_of(smooth, slope=networks.SMOOTH) == ()


GENERATORS = [name for name in jaxgan.shipped() if not name.endswith("classifier")]


def unless_large(name):
    """Convolutions of the size of a toy are checked by the code of a page of docs/."""
    slow = [pytest.mark.slow] if name.endswith("conv") else []
    return pytest.param(name, marks=slow)


@pytest.mark.parametrize("name", [unless_large(name) for name in GENERATORS])
def test_nothing_is_said_of_shipped_ones(name):
    assert networks.check(KEY, jaxgan.load_generator(name)) == ()
