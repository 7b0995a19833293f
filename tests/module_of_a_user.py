"""A module of a user's own, with generators for `--generator`."""

MODULE = """
import jax
from jaxgan import networks

SIZES = {"first": (3, 16), "bias": (16,), "second": (16, 32), "last": (32, 784)}


def draw(number, shape):
    key = jax.random.fold_in(jax.random.key(5), number)
    return 1.5 * jax.random.normal(key, shape) / shape[0] ** 0.5


def logits(params, latents, kink):
    hidden = kink(latents @ params["first"] + params["bias"][None])
    # Without a bias, a unit whose inputs are all dead would be at its kink everywhere.
    return kink(hidden @ params["second"] + 0.1) @ params["last"]


def make(logits=logits, **options):
    params = {name: draw(n, shape) for n, (name, shape) in enumerate(SIZES.items())}
    options = {"output": networks.SIGMOID, "slope": 0.0, **options}
    network = networks.FinishedNetwork(logits, 3, **options)
    return networks.FinishedGenerator(network, params)


def linear():
    return make(output=networks.linear(-50.0, 50.0))


def without_kinks():
    def smooth(params, latents, kink):
        return logits(params, latents, jax.nn.softplus)

    return make(smooth, slope=None)


def smooth():
    return make(lambda p, z, kink: logits(p, z, jax.nn.softplus), slope=1.0)


def normalised():
    def centred(params, latents, kink):
        found = logits(params, latents, kink)
        return found - found.mean(0, keepdims=True)

    return make(centred)


def not_a_generator():
    return 3


def broken():
    raise RuntimeError("no weights here\\nat all")


def small():
    def few(params, latents, kink):
        return logits(params, latents, kink)[:, :100]

    return make(few)
"""
