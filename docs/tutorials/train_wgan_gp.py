# %% [markdown]
# # A WGAN-GP in 100 lines
#
# In this tutorial you train a generator of digits against a critic, first by a training
# step that is written out, then by the same step as the library has it. You need to
# know what a neural network and its gradient are; a GAN is explained on the way.
#
# **Time**: less than a minute on two processor cores, most of it compilation.
# **Needs**: `pip install -e '.[experiments]'`. Read it as a page, run it as a script,
# or open it as a notebook (`jupytext --to notebook train_wgan_gp.py`, or the file
# beside its page).
#
# ## The data
#
# Five thousand digits come with a dependency, so nothing is downloaded. Pixels are
# bytes; networks see numbers from -1 (black) to 1 (white).

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from jaxgan import data, gan, networks, pixels, training

digits = jnp.asarray(data.load("sample", "train").images)
print(digits.shape, digits.dtype)

# %% [markdown]
# What to expect:
#
# ```text
# (4000, 28, 28, 1) uint8
# ```
#
# ## Two networks
#
# The *generator* turns a vector of 32 random numbers, the *latent code* z, into an
# image G(z). The *critic* D turns an image into one number, its score. A network here
# is a pair of pure functions: `init` makes weights from a random key, `apply` uses
# them.
#
# Nearly all pixels of a digit are black, -1. The critic is given what is left of an
# image when the mean of all images is subtracted: it then sees at once what tells
# images apart, and learns faster.

# %%
generator = networks.mlp_generator(latent_dim=32, widths=(128, 256))
mean = pixels.mean_input(np.asarray(digits))
critic = networks.centred(networks.mlp_critic((256, 128)), mean)
keys = jax.random.split(jax.random.key(0), 3)
weights = {"generator": generator.init(keys[0]), "critic": critic.init(keys[1])}
print({name: sum(p.size for p in jax.tree.leaves(w)) for name, w in weights.items()})

# %% [markdown]
# What to expect, the numbers of weights:
#
# ```text
# {'generator': 238992, 'critic': 233985}
# ```
#
# ## What each of them minimises
#
# The critic learns to score real images high and generated ones low. Its loss is
#
# $$ \mathbb{E}\, D(G(z)) - \mathbb{E}\, D(x)
#    + 10\, \mathbb{E}\, (\|\nabla D(\hat x)\| - 1)^2 . $$
#
# The last term is the *gradient penalty* (Gulrajani et al. 2017, equation 3). It keeps
# the slope of the critic near 1 at random points x̂ between a real and a generated
# image. Then minus the first two terms, the *Wasserstein estimate*, says how far apart
# the two sets of images are. Three mistakes are easy to make here:
#
# - The norm is over all pixels of one image. A norm over the batch, or over the
#   channels of each pixel, is another penalty.
# - Each image has one x̂, so one random number ε for all of its pixels.
# - The gradient is by the image x̂, not by the weights, and the penalty itself is then
#   differentiated by the weights: a gradient of a gradient.
#
# The generator learns to be scored high: its loss is the mean of -D(G(z)).


# %%
def critic_loss(critic_weights, generator_weights, key, real):
    latent_key, between_key = jax.random.split(key)
    latents = jax.random.normal(latent_key, (len(real), 32))
    fake = generator.apply(generator_weights, latents)
    between = gan.losses.interpolate(between_key, real, fake)

    def score(image):
        return critic.apply(critic_weights, image[None])[0]

    penalties = jax.vmap(lambda image: gan.losses.gradient_penalty(score, image))
    difference = gan.losses.wasserstein_critic_loss(
        critic.apply(critic_weights, real), critic.apply(critic_weights, fake)
    )
    return difference + 10.0 * jnp.mean(penalties(between)), -difference


def generator_loss(generator_weights, critic_weights, key, count):
    latents = jax.random.normal(key, (count, 32))
    fake = generator.apply(generator_weights, latents)
    return gan.losses.wasserstein_generator_loss(critic.apply(critic_weights, fake))


# %% [markdown]
# ## A step, and many of them
#
# A step updates the critic once and the generator once. Nothing is hidden: state goes
# in and comes out, and the randomness of step n is the key with n folded in. `lax.scan`
# makes many steps one compiled program.

# %%
optimizer = optax.adam(5e-4, b1=0.0, b2=0.99)


def step(state, number):
    weights, moments = dict(state[0]), dict(state[1])
    key = jax.random.fold_in(keys[2], number)
    draw_key, critic_key, generator_key = jax.random.split(key, 3)
    chosen = jax.random.randint(draw_key, (64,), 0, len(digits))
    real = pixels.as_inputs(digits[chosen])

    def update(name, gradient):
        change, moments[name] = optimizer.update(gradient, moments[name])
        weights[name] = optax.apply_updates(weights[name], change)

    gradient, estimate = jax.grad(critic_loss, has_aux=True)(
        weights["critic"], weights["generator"], critic_key, real
    )
    update("critic", gradient)
    update(
        "generator",
        jax.grad(generator_loss)(
            weights["generator"], weights["critic"], generator_key, len(real)
        ),
    )
    return (weights, moments), estimate


@jax.jit
def train(state, numbers):
    return jax.lax.scan(step, state, numbers)


state = (weights, {name: optimizer.init(w) for name, w in weights.items()})
for first in range(0, 2000, 500):
    state, estimates = train(state, jnp.arange(first, first + 500))
    print(f"steps {first + 500}: Wasserstein estimate {estimates[-100:].mean():.2f}")

# %% [markdown]
# What to expect. The estimate rises at first and then falls slowly: it is measured by a
# critic that gets better too. The last digits differ between machines, because rounding
# does, and training amplifies it.
#
# ```text
# steps 500: Wasserstein estimate 2.50
# steps 1000: Wasserstein estimate 2.75
# steps 1500: Wasserstein estimate 2.71
# steps 2000: Wasserstein estimate 2.64
# ```
#
# Draw some samples:


# %%
def show(images, name):
    figure, axes = plt.subplots(4, 10, figsize=(5, 2.1), layout="tight")
    for axis, image in zip(axes.flat, images, strict=False):
        axis.imshow(image[..., 0], cmap="gray", vmin=-1, vmax=1)
        axis.axis("off")
    figure.savefig(name, dpi=80)


latents = jax.random.normal(jax.random.key(1), (40, 32))
show(generator.apply(state[0]["generator"], latents), "tutorial-wgan-by-hand.png")

# %% [markdown]
# ![Forty rough digits, by hand](figures/tutorial-wgan-by-hand.png)
#
# After two thousand steps one sees strokes and some digits. The default of
# `experiments.wgan` takes 93,700 steps of a larger network on all of MNIST.
#
# ## The same from the library
#
# `gan.wgan_gp` has this step, with two things besides. It keeps a moving average of the
# generator's weights, which makes better samples than the last weights do. And `fold`
# makes the statistics of batch-normalisation part of the weights: before, an image
# depended on the other images of its batch; afterwards, on its own code alone.

# %%
wgan = gan.wgan_gp(generator, critic)
run = wgan.init(jax.random.key(0))
for _ in range(4):
    run, metrics = training.chunk(wgan, run, digits, 500, batch_size=64)
    print(f"steps {run.step}: gradient norm {metrics.gradient_norm:.2f}")
finished = generator.fold(run.average, jax.random.normal(jax.random.key(2), (1000, 32)))
show(finished.generate(latents), "tutorial-wgan.png")

# %% [markdown]
# What to expect: a gradient norm near 1 says that the penalty does its work.
#
# ```text
# steps 500: gradient norm 1.13
# steps 1000: gradient norm 1.10
# steps 1500: gradient norm 1.10
# steps 2000: gradient norm 1.10
# ```
#
# ![Forty rough digits, by the library](figures/tutorial-wgan.png)
#
# ## Go on
#
# - [How good are these samples?](judge_samples.py)
# - [All flags of the command that trains a WGAN-GP](../experiments/wgan.md)
# - The gradient penalty and its known mistakes as
#   [exercises](../../exercises/README.md)
