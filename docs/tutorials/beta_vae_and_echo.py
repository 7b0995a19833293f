# %% [markdown]
# # Rate and distortion: β-VAE and Echo
#
# How much must a code say about its image, for the image to be decoded well? In this
# tutorial you train autoencoders with two kinds of noisy codes at three prices of
# information, and see what each of them pays.
#
# **Time**: less than a minute on two processor cores. **Needs**: `pip install -e
# '.[experiments]'`.
#
# ## The trade
#
# An encoder turns an image x into a noisy code z, a decoder turns z into probabilities
# of the pixels being white. Two numbers describe the pair, both in nats:
#
# - the *distortion* D, the mean of -log p(x|z): how badly the image is known
#   afterwards;
# - the *rate* R: how much the code says about the image.
#
# Training minimises D + β R, so β is the price of a nat of rate. With **Gaussian**
# noise the rate is the divergence of the code's distribution from a standard normal
# one, and the model is a β-VAE. With **Echo** noise (Brekelmans et al. 2019) the noise
# of a code is the code of another image: z = m(x) + S(x) z₁. Then the rate is exactly
# -E log|det S(x)|, the mutual information of image and code, with no prior that could
# be wrong.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from jaxgan import autoencoders, data, networks, pixels, training

digits = jnp.asarray(data.load("sample", "train").images)
test = pixels.as_inputs(jnp.asarray(data.load("sample", "test").images))
test = autoencoders.binarise(jax.random.key(0), test)  # pixels black or white
BETAS = jnp.array([0.5, 1.0, 5.0])
BOUND = 16.0
noise = autoencoders.echo(
    99, tolerance=BOUND * autoencoders.ECHO_TOLERANCE, bound=BOUND
)
channels = {"Gaussian": autoencoders.gaussian_channel, "Echo": noise.channel}
print(
    f"Echo codes of 16 dimensions have a rate of at least {16 * noise.floor:.1f} nats"
)

# %% [markdown]
# What to expect:
#
# ```text
# Echo codes of 16 dimensions have a rate of at least 2.9 nats
# ```
#
# Why is there a least rate? The noise of an Echo code is made of finitely many other
# images, here 99, and what is cut off must be too small to matter. So each dimension
# has to shrink its noise by some factor, and shrinking is what the rate counts.
#
# ## Train
#
# β is part of the state, so `jax.vmap` trains the models of all β in one program.

# %%
models, weights = {}, {}
for name, channel in channels.items():
    model = autoencoders.Autoencoder(
        networks.mlp_encoder(16, (128,)),
        networks.mlp_decoder(16, (128,)),
        channel,
        autoencoders.bernoulli_distortion,
    )
    algorithm = autoencoders.autoencoding(
        model, optimizer=training.ADAM, redraw=autoencoders.binarise
    )

    def run(beta, algorithm=algorithm):
        state = algorithm.init(jax.random.key(1))._replace(beta=beta)
        return training.run_steps(algorithm, state, digits, 500, batch_size=128)[0]

    models[name] = model
    weights[name] = jax.jit(jax.vmap(run))(BETAS).params

# %% [markdown]
# ## Measure, on images that nobody was trained on
#
# Echo's noise for test images has to come from the training images: noise from the
# other test images would make a code depend on its company.


# %%
def measured(name, params):
    model = models[name]
    if name == "Echo":
        known = autoencoders.binarise(jax.random.key(2), pixels.as_inputs(digits))
        maps = noise.maps(model.encoder.apply(params.encoder, known))[0]
        model = model._replace(channel=noise.given_bank(maps, noise.depth))
    return autoencoders.measure(model, params, jax.random.key(3), test)


outputs = {}
for name in models:
    for n, beta in enumerate(BETAS):
        params = jax.tree.map(lambda leaf, n=n: leaf[n], weights[name])
        result = measured(name, params)
        rate, distortion = result.rates.mean(), result.distortions.mean()
        outputs[name, n] = result.outputs[::125]  # eight of them
        print(f"{name}, β = {beta}: R = {rate:.0f}, D = {distortion:.0f}")

# %% [markdown]
# What to expect: the dearer a nat, the fewer are bought, and the worse the images.
#
# ```text
# Gaussian, β = 0.5: R = 32, D = 126
# Gaussian, β = 1.0: R = 23, D = 129
# Gaussian, β = 5.0: R = 5, D = 175
# Echo, β = 0.5: R = 24, D = 137
# Echo, β = 1.0: R = 16, D = 146
# Echo, β = 5.0: R = 4, D = 198
# ```

# %%
figure, axes = plt.subplots(7, 8, figsize=(5, 4.4), layout="tight")
rows = [(test[::125] + 1) / 2]
rows += [jax.nn.sigmoid(shown) for shown in outputs.values()]
for row, images in zip(axes, rows, strict=True):
    for axis, image in zip(row, images, strict=True):
        axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
        axis.axis("off")
figure.savefig("tutorial-rates.png", dpi=80)

# %% [markdown]
# ![Test images, and what is left of them](figures/tutorial-rates.png)
#
# The first row is the test images; then the β-VAE at β = 0.5, 1 and 5, then Echo at the
# same. At β = 5 the images have become alike, and little is left of which digit it was.
#
# Do not conclude from this which of them is better: the rates differ, so the points
# have to be compared on a curve, over several seeds. [Answers](../answers.md) does
# that.
#
# ## Go on
#
# - [What a rate is](../explanation/rates.md)
# - [`experiments.rate_distortion`](../experiments/rate_distortion.md) draws the curves.
# - Echo's recursion as an [exercise](../../exercises/README.md)
