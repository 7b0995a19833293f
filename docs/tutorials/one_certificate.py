# %% [markdown]
# # Minima, and one certificate read line by line
#
# Which code does an image have? In this tutorial you look for the code of a digit from
# many starts, find that they end in several points, and let the library certify that
# each of these is a local minimum. The generator has two latent dimensions, so that
# everything can be drawn.
#
# **Time**: less than a minute on two processor cores. **Needs**: `pip install -e
# '.[experiments]'`.
#
# ## The question
#
# Let G be a generator and x an image. We look for codes z where
#
# $$ f(z) = \tfrac12 \|G(z) - x\|^2 + \tfrac12 \kappa \|z\|^2 $$
#
# is least. The second term keeps codes where the generator was trained; κ is its
# weight.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import jaxgan
from jaxgan import data, inversion, minima, pixels

KAPPA = 0.01
generator = jaxgan.load_generator("mnist-wgan-gp-2d")
digits = data.load("sample", "test").images
image = pixels.as_inputs(jnp.asarray(digits[375:376]))
found = inversion.invert_many(
    jax.random.key(0),
    generator,
    image,
    num_starts=32,
    prior_weight=KAPPA,
    double_steps=0,
)
print(found.latents.shape)

# %% [markdown]
# What to expect: one image, 32 starts, two dimensions.
#
# ```text
# (1, 32, 2)
# ```
#
# ## Settle and certify
#
# The search ends near minima, not on them. `settle_many` goes on in double precision
# until each point is a minimum to the last digit, and certifies it.

# %%
ends = minima.settle_many(
    generator,
    found.latents[0],
    np.asarray(image),
    np.zeros(32, int),
    prior_weight=KAPPA,
)
codes, first, counts = np.unique(
    ends.latents.round(6), axis=0, return_index=True, return_counts=True
)
order = np.argsort(ends.errors[first])
for n in order[counts[order] > 1]:
    status = minima.STATUSES[ends.certificates.status[first[n]]]
    print(f"{codes[n].round(3)} error {ends.errors[first[n]]:.4f}, {status}")

# %% [markdown]
# What to expect: the codes that more than one start ended in, the best one first.
# Errors are mean squared errors per pixel, for pixels in [0, 1]. How many starts end in
# each, and whether single ones end elsewhere, differs between versions of JAX.
#
# ```text
# [-0.811  1.879] error 0.0720, kink
# [-0.719 -1.176] error 0.0734, kink
# [ 1.595 -0.681] error 0.0927, kink
# [-1.745  0.168] error 0.1034, kink
# ```
#
# So different starts do give different codes, and each end point is a local minimum.
# Draw them on the plane of codes, which is coloured by f:

# %%
side = np.linspace(-4, 4, 161)
plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2).astype(np.float32)


@jax.jit
def objective(latents):
    difference = generator.generate(latents) - image
    squares = jnp.sum(difference**2, axis=(1, 2, 3))
    return squares / 2 + KAPPA / 2 * jnp.sum(latents**2, axis=1)


values = np.asarray(objective(plane)).reshape(161, 161)
best = first[order[0]]
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4))
drawn = axes[0].contourf(side, side, values, 30)
axes[0].plot(*ends.latents.T, "w.", markersize=8)
axes[0].plot(*ends.latents[best], "r*", markersize=12)
axes[0].set(title="f, and where the starts ended", xlabel="z₁", ylabel="z₂")
figure.colorbar(drawn, ax=axes[0])
steps = np.linspace(-0.002, 0.002, 401)
with jax.enable_x64(True):
    exact = generator.as_type(jnp.float64)
    for axis, name in enumerate(("along z₁", "along z₂")):
        line = jnp.asarray(ends.latents[best])[None] + steps[:, None] * np.eye(2)[axis]
        along = exact.generate(line) - image
        f = jnp.sum(along**2, (1, 2, 3)) / 2 + KAPPA / 2 * jnp.sum(line**2, 1)
        axes[1].plot(steps, f - f.min(), label=name)
axes[1].set(title="f near the best minimum", xlabel="distance from it")
axes[1].legend()
figure.tight_layout()
figure.savefig("tutorial-minima.png", dpi=80)

# %% [markdown]
# ![The plane of codes, and f near the minimum](figures/tutorial-minima.png)
#
# On the right is a *kink*: f has a corner at its minimum, as |t| has at 0, steeper on
# one side than on the other. The generator is built of leaky ReLUs, and where the input
# of one of them is zero its slope jumps. The set of such codes, for one of these units,
# is a *facet*.
#
# ## The certificate of the best one

# %%
certificate = jax.tree.map(lambda leaf: leaf[best], ends.certificates)
print("status         ", minima.STATUSES[certificate.status])
print("facets held    ", certificate.num_held)
print("eigenvalues    ", np.sort(certificate.eigenvalues).round(1))
print("margin         ", certificate.margin.round(2))
print("gradient < 1e-6", certificate.gradient_norm < 1e-6)
print("step < radius/2", 2 * certificate.newton_length < certificate.radius)

# %% [markdown]
# What to expect:
#
# ```text
# status          kink
# facets held     1
# eigenvalues     [922.2   inf]
# margin          0.28
# gradient < 1e-6 True
# step < radius/2 True
# ```
#
# Line by line:
#
# - **status**: `kink` is a strict local minimum that lies on facets; `strict` would be
#   one that no facet touches. `saddle`, `degenerate` and `not_stationary` are what a
#   minimum is not, or not proved to be.
# - **facets held**: the point is on one facet. On it, it can slide in one direction
#   only; two facets that cross would fix a point of the plane.
# - **eigenvalues**: of the second derivative of f along the facets that are held. All
#   must be positive. The direction that leaves the facet counts as infinite, because
#   there f rises at once, like |t|.
# - **margin**: on each held facet the two one-sided slopes have opposite signs. The
#   margin says how far the weaker one is from zero, in units of their difference: ½ is
#   the most, and 0 would be a facet that only just attracts.
# - **gradient**: of f along the facets. It vanishes; across the facets there is none.
# - **step, radius**: no other facet comes nearer than the radius, and the next Newton
#   step would be less than half as long. With a bound on how fast the second derivative
#   changes, the theorem of Newton and Kantorovich then proves a minimum within two
#   steps of the point.
#
# Would gradient descent have noticed? The gradient of f on either side of a facet is
# not small, however near one is:

# %%
with jax.enable_x64(True):
    slope = jax.grad(
        lambda z: (
            jnp.sum((exact.generate(z[None]) - image) ** 2) / 2
            + KAPPA / 2 * jnp.sum(z**2)
        )
    )
    away = np.random.default_rng(0).normal(size=(4, 2)) * 1e-9
    norms = [float(jnp.linalg.norm(slope(ends.latents[best] + a))) for a in away]
print("gradient norms at a distance of 1e-9:", " ".join(f"{n:.1f}" for n in norms))

# %% [markdown]
# What to expect:
#
# ```text
# gradient norms at a distance of 1e-9: 2.2 2.2 5.7 2.2
# ```
#
# A test that calls a point a minimum when its gradient is small would call none of
# these a minimum. This is why the certificate looks along the facets.
#
# ## Go on
#
# - [What a kink is, and why the gradient does not vanish
#   there](../explanation/kinks.md)
# - [How to read a certificate](../howto/read-a-certificate.md), as a table
# - [Your own generator](own_generator.py)
