# %% [markdown]
# # A path of least energy, and its record
#
# How does one walk from the code of one image to that of another? In this tutorial you
# find the path of least energy between two codes, see it beside the straight line on
# the plane of codes, and learn from its record how exact it is.
#
# **Time**: less than a minute on two processor cores. **Needs**: `pip install -e
# '.[experiments]'`.
#
# ## The energy
#
# A step of length dz at the code z costs λ(z) ‖dz‖², and the metric
#
# $$ \lambda(z) = \|G(z) - x_A\|^2 + \|G(z) - x_B\|^2 $$
#
# is large where the generated image is far from both images at the ends. The energy of
# a path is the integral of these costs.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import jaxgan
from jaxgan import paths

generator = jaxgan.load_generator("mnist-wgan-gp-2d")
start, end = jnp.array([-1.5, -0.5]), jnp.array([1.5, 1.0])
image_a, image_b = generator.generate(jnp.stack([start, end]))
family = paths.between_images(generator)
found = paths.minimise_many(
    family,
    start[None],
    end[None],
    (image_a[None], image_b[None]),
    levels=(8, 16, 32, 64),
)
print(f"energy: {found.energies[0, -1]:.0f}")
print("finished:", found.finished[0])

# %% [markdown]
# What to expect. The search goes from few segments to many: most of the way is made
# where it costs little. On the first levels it also rounds the corners of the network,
# whose leaky ReLUs have a kink at zero, since kinks make local minima. The last level,
# and the energy, are those of the network as it is. Pixels are in [-1, 1] here; for
# pixels in [0, 1] all energies are a quarter of these.
#
# ```text
# energy: 9179
# finished: True
# ```
#
# ## The record
#
# How do we know that this is right? `record_paths` measures the path in double
# precision.

# %%
record = paths.record_paths(
    jax.random.key(0), family, found.paths, (image_a[None], image_b[None])
)
energy = record.energy[0]
print(f"with every fourth knot: {record.energy_quarter[0] / energy - 1:+.2%}")
print(f"with every second knot: {record.energy_half[0] / energy - 1:+.2%}")
best, error = paths.richardson(record.energy_half, record.energy)
print(f"least energy: {best[0] / energy - 1:+.2%}, known to {error[0] / energy:.2%}")
print(f"straight line / path: {record.energy_line[0] / energy:.2f}")
print(f"slerp / path: {record.energy_slerp[0] / energy:.2f}")
print("directions of descent left:", record.morse_index[0])
print(f"decrement below 1e-3: {record.decrement[0] < 1e-3}")

# %% [markdown]
# What to expect:
#
# ```text
# with every fourth knot: -0.15%
# with every second knot: +0.09%
# least energy: -0.03%, known to 0.03%
# straight line / path: 1.05
# slerp / path: 2.27
# directions of descent left: 0
# decrement below 1e-3: True
# ```
#
# Line by line:
#
# - The **midpoint rule** that computes an energy is of second order: twice as many
#   segments have a quarter of the error. So the energies of the path with all knots and
#   with half of them extrapolate to that of the smooth path, with an error bar
#   (*Richardson's extrapolation*).
# - **Straight line** and **slerp** (the walk along a circle) cost more, by these
#   factors.
# - The **Morse index** counts directions in which the path could still be lowered at
#   second order. 0: it is a local minimum, not a saddle.
# - The **decrement** is about the relative decrease of the energy that is still
#   possible.
#
# ## The picture

# %%
side = np.linspace(-3, 3, 121)
plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2).astype(np.float32)
metric = jax.jit(paths.image_metric(generator.generate, image_a, image_b))
values = np.asarray(metric(plane)).reshape(121, 121)
straight = paths.line(start, end, 64)
figure, axis = plt.subplots(figsize=(4.6, 3.8))
figure.colorbar(axis.contourf(side, side, values, 30), label="λ")
axis.plot(*np.asarray(straight).T, "w--", label="straight line")
axis.plot(*found.paths[0].T, "r", label="path of least energy")
axis.set(xlabel="z₁", ylabel="z₂")
axis.legend()
figure.tight_layout()
figure.savefig("tutorial-path.png", dpi=80)

rows = [
    paths.at_equal_speed(metric, jnp.asarray(path, "float32"), 8)
    for path in (straight, found.paths[0])
]
figure, axes = plt.subplots(2, 9, figsize=(7, 1.7), layout="tight")
for row, codes in zip(axes, rows, strict=True):
    for axis, image in zip(row, generator.generate(codes), strict=True):
        axis.imshow(image[..., 0], cmap="gray", vmin=-1, vmax=1)
        axis.axis("off")
figure.savefig("tutorial-strip.png", dpi=80)

# %% [markdown]
# ![The metric on the plane of codes, with two paths](figures/tutorial-path.png)
#
# ![Images along the straight line, and along the path](figures/tutorial-strip.png)
#
# The upper row is the straight line, the lower one the path of least energy; each step
# has the same length under the metric. The path avoids the ridges of λ.
#
# ## Go on
#
# - [Why a path cross-fades](../explanation/cross-fades.md)
# - [`experiments.path`](../experiments/path.md) does this for many pairs of test
#   digits.
# - [Path energies as an exercise](../../exercises/README.md)
