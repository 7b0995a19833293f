# %% [markdown]
# # Bring your own generator
#
# You have a generator of your own, made with another library. In this tutorial you give
# it to jaxgan, let jaxgan check what you say about it, make two typical mistakes on
# purpose, and find and certify codes. The generator is a small decoder in Flax NNX,
# which is trained here in seconds.
#
# **Time**: less than a minute on two processor cores. **Needs**: `pip install -e
# '.[experiments]'`.
#
# ## A generator
#
# Any decoder will do: this one learns to reproduce digits from eight numbers, together
# with an encoder that is thrown away afterwards.

# %%
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxgan import data, inversion, minima, networks, pixels

digits = pixels.as_inputs(jnp.asarray(data.load("sample", "train").images))


class Decoder(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(8, 64, rngs=rngs)
        self.second = nnx.Linear(64, 128, rngs=rngs)
        self.last = nnx.Linear(128, 784, rngs=rngs)

    def __call__(self, latents, kink=nnx.relu):
        hidden = kink(self.second(kink(self.first(latents))))
        return self.last(hidden).reshape(-1, 28, 28, 1)


class Autoencoder(nnx.Module):
    def __init__(self, rngs):
        self.encoder = nnx.Sequential(
            nnx.Linear(784, 128, rngs=rngs), nnx.relu, nnx.Linear(128, 8, rngs=rngs)
        )
        self.decoder = Decoder(rngs)


def loss(model, images, noise):
    codes = model.encoder(images.reshape(len(images), -1))
    codes = codes / jnp.sqrt(jnp.mean(codes**2) + 1e-6) + 0.2 * noise
    return jnp.mean((jnp.tanh(model.decoder(codes)) - images) ** 2)


model = Autoencoder(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)


@nnx.jit
def step(model, optimizer, key):
    chosen, noise = jax.random.split(key)
    images = digits[jax.random.randint(chosen, (128,), 0, len(digits))]
    value, gradient = nnx.value_and_grad(loss)(
        model, images, jax.random.normal(noise, (128, 8))
    )
    optimizer.update(model, gradient)
    return value


errors = [step(model, optimizer, jax.random.key(n)) for n in range(1500)]
print(f"mean squared error {errors[-1]:.2f}")

# %% [markdown]
# What to expect:
#
# ```text
# mean squared error 0.10
# ```
#
# ## Say what it is
#
# jaxgan needs a pure function of weights, codes, and of what the network does at its
# ReLUs: `logits(weights, latents, kink)`, without the last activation. NNX splits a
# module into its graph and its weights:

# %%
graph, weights = nnx.split(model.decoder)


def logits(weights, latents, kink):
    return nnx.merge(graph, weights)(latents, kink)


def finished(function, **said):
    network = networks.FinishedNetwork(function, latent_dim=8, **said)
    return networks.FinishedGenerator(network, weights)


generator = finished(logits, output=networks.TANH, slope=0.0)
print(networks.check(jax.random.key(0), generator))

# %% [markdown]
# What to expect: an empty tuple. Nothing is wrong.
#
# ```text
# ()
# ```
#
# ## Two mistakes, on purpose
#
# Batch-normalisation was left in its training mode, so that an image depends on the
# other codes of its batch. And `nnx.relu` is called where the argument `kink` should be
# called. `check` returns a sentence for each promise that is not kept.


# %%
def normalised(weights, latents, kink):
    return logits(weights, latents - jnp.mean(latents, axis=0)[None], kink)


def forgetful(weights, latents, kink):
    return nnx.merge(graph, weights)(latents)


for mistake in (normalised, forgetful):
    for sentence in networks.check(jax.random.key(0), finished(mistake, slope=0.0)):
        print(textwrap.fill(f"{mistake.__name__}: {sentence}", 80))

# %% [markdown]
# What to expect:
#
# ```text
# normalised: an image depends on the other latents of its batch (by 1.7e+00 of
# the largest pixel): statistics of the batch are left on
# forgetful: it declares kinks, and never calls the function that it is given
# ```
#
# ## Codes, and certificates
#
# Everything else is as for the models that come with the package:

# %%
targets = pixels.as_inputs(jnp.asarray(data.load("sample", "test").images[:3]))
found = inversion.invert_many(
    jax.random.key(1), generator, targets, num_starts=8, prior_weight=0.01
)
ends = minima.settle_many(
    generator,
    found.latents.reshape(-1, 8),
    np.asarray(targets),
    np.repeat(np.arange(3), 8),
    prior_weight=0.01,
)
certified = ends.share("kink") + ends.share("strict")
print(f"certified minima: {100 * certified:.0f} %")
for n, (codes, errors) in enumerate(
    zip(ends.latents.reshape(3, 8, 8), ends.errors.reshape(3, 8), strict=True)
):
    different = len(np.unique(codes.round(5), axis=0))
    print(f"image {n}: {different} code(s), least error {errors.min():.4f}")

# %% [markdown]
# What to expect:
#
# ```text
# certified minima: 100 %
# image 0: 1 code(s), least error 0.0233
# image 1: 1 code(s), least error 0.0325
# image 2: 1 code(s), least error 0.0224
# ```
#
# All eight starts end in one code: eight dimensions leave little room for valleys. With
# 64 dimensions there are many codes ([why](../explanation/many-minima.md)).
#
# ## Go on
#
# - [From a Flax NNX generator of colour images to its first certified
#   minimum](../howto/first-certified-minimum.md), on one page
# - [Linen, Equinox, PyTorch](../generators.md), and the same from the command line
# - [Read a certificate](../howto/read-a-certificate.md)
