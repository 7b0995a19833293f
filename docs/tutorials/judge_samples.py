# %% [markdown]
# # Judging samples, with floors
#
# How good is a generator? In this tutorial you compute the usual distances between
# samples and real images, and learn to read each beside its *floor*: what real images
# score in place of samples. Without the floor, no such number means anything.
#
# **Time**: less than a minute on two processor cores. **Needs**: `pip install -e
# '.[experiments]'`.
#
# ## Features
#
# Distances between pixels say little: a digit moved by one pixel is far from itself. So
# images are compared by their *features*, the activations of the last hidden layer of a
# classifier, the *judge*. One that was trained on MNIST comes with the package.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np

import jaxgan
from jaxgan import data, evaluation, pixels

classify = jaxgan.load_classifier()
train = data.load("sample", "train")
test = data.load("sample", "test")
reference = evaluation.features_of(classify, test.images)
known = evaluation.features_of(classify, train.images)
print(reference.features.shape, known.features.shape)

# %% [markdown]
# What to expect: 1,000 test images and 4,000 training images, 128 features each.
#
# ```text
# (1000, 128) (4000, 128)
# ```
#
# ## Samples of three generators
#
# Two generators that come with the package, and a bad one: the good one with its images
# blurred by averaging each with another one.

# %%
COUNT = len(test.images)


def samples(name):
    generator = jaxgan.load_generator(name)
    shape = (COUNT, generator.latent_dim)
    latents = jax.random.normal(jax.random.key(0), shape)
    return pixels.to_pixels(np.asarray(generator.generate(latents)))


made = {"WGAN-GP": samples("mnist-wgan-gp"), "vanilla GAN": samples("mnist-gan")}
blend = made["WGAN-GP"].astype(np.float32)
made["blends"] = ((blend + blend[::-1]) / 2).astype(np.uint8)

# %% [markdown]
# ## Their scores, and the floor
#
# `verdict` computes all scores with standard errors; `floor` computes the same for
# training images in place of samples.

# %%
NAMES = ["frechet_distance", "precision", "coverage", "nearest_training_distance"]
scores = {}
for name, images in made.items():
    seen = evaluation.features_of(classify, images)
    scores[name] = evaluation.verdict(
        jax.random.key(1), seen, reference, seen, known.pixels
    )
scores["floor"] = evaluation.floor(jax.random.key(2), known, reference, COUNT)
for name, score in scores.items():
    print(f"{name}:")
    for what in NAMES:
        value, error = score[what]
        print(f"  {what} {value:.2f} ± {error:.2f}")

# %% [markdown]
# What to expect, up to a tenth:
#
# ```text
# WGAN-GP:
#   frechet_distance 25.25 ± 3.75
#   precision 0.82 ± 0.01
#   coverage 0.93 ± 0.01
#   nearest_training_distance 4.93 ± 0.04
# vanilla GAN:
#   frechet_distance 48.26 ± 8.72
#   precision 0.84 ± 0.01
#   coverage 0.90 ± 0.01
#   nearest_training_distance 4.71 ± 0.04
# blends:
#   frechet_distance 525.61 ± 13.12
#   precision 0.93 ± 0.01
#   coverage 0.24 ± 0.01
#   nearest_training_distance 5.51 ± 0.02
# floor:
#   frechet_distance 30.95 ± 5.00
#   precision 0.83 ± 0.01
#   coverage 0.91 ± 0.01
#   nearest_training_distance 5.06 ± 0.04
# ```
#
# How to read it:
#
# - **Fréchet distance**: how far the Gaussians fitted to the two sets of features are
#   apart; 0 for equal ones. With 1,000 images even real ones are not at 0: the floor is
#   what a perfect generator would get here. A distance at 1,000 samples cannot be
#   compared with one at 10,000.
# - **Precision**: the share of samples among the real images; **coverage**: the share
#   of real images that have a sample near them. A generator that makes one perfect
#   digit has a precision of 1 and hardly any coverage. The floor of coverage is not 1
#   either.
# - **Nearest training distance**: how far a sample is from the nearest training image,
#   the root of a sum of squares of pixels in [0, 1]. Far below the floor, which is that
#   of real test images, would mean copies of the training images.
#
# The WGAN-GP is at the floor or a little below it: by 1,000 images it cannot be told
# from real ones on this scale. That does not make it better than real images: the floor
# has an error of its own, and the 4,000 training images here are a sample too.
#
# The blends show why one number is not enough: their precision is the best of all,
# since an average of two digits is near to many digits, and their coverage the worst.

# %%
figure, axis = plt.subplots(figsize=(5, 2.4))
labels = list(scores)
heights = [scores[name]["frechet_distance"].value for name in labels]
errors = [2 * scores[name]["frechet_distance"].standard_error for name in labels]
axis.barh(labels, heights, xerr=errors)
axis.set(xscale="log", xlim=(10, 1000))
axis.set_xlabel("Fréchet distance, two standard errors")
figure.tight_layout()
figure.savefig("tutorial-floors.png", dpi=80)

# %% [markdown]
# ![Fréchet distances of three generators beside the floor](figures/tutorial-floors.png)
#
# ## Go on
#
# - [`experiments.evaluate`](../experiments/evaluate.md) does this with 10,000 samples.
# - [Results](../results.md) has the scores of all models that
#   ship.
# - [Compare two runs](../howto/compare-runs.md) says when a difference is more than
#   luck.
