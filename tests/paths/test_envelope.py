"""The derivative of the least energy, against differences of paths found anew."""

import jax
import jax.numpy as jnp
import pytest
import wavy

from jaxgan import networks, paths

pytestmark = pytest.mark.usefixtures("in_double")

DIM = 2
SHAPES = [(DIM, 16), (16, 16), (16, 12)]
STEP = 1e-4


def logits(weights, latents, kink):
    for matrix, bias in weights[:-1]:
        latents = kink(latents @ matrix + bias[None])
    matrix, bias = weights[-1]
    return latents @ matrix + bias[None]


def smooth_logits(weights, latents, kink):
    return logits(weights, latents, jax.nn.silu)


NETWORKS = {
    "smooth": networks.FinishedNetwork(smooth_logits, DIM, slope=None),
    "leaky": networks.FinishedNetwork(logits, DIM),
}


def draw(key, shape):
    return jax.random.normal(key, shape, jnp.float64)


def weights():
    keys = jax.random.split(jax.random.key(3), len(SHAPES))
    return [
        (draw(k, s) * 1.5 / s[0] ** 0.5, 0.5 * draw(jax.random.fold_in(k, 1), s[1:]))
        for k, s in zip(keys, SHAPES, strict=True)
    ]


IMAGES = jax.random.normal(jax.random.key(4), (2, 12))
GIVEN = ["weights", "code a", "code b", "images"]


def solver(kind):
    """Return energy, whether it is differentiable, and slopes, as one program.

    The path is found anew for all that it depends on. With leaky ReLUs, the images at
    the ends are halfway between given ones and those that the codes generate.
    """
    network = NETWORKS[kind]

    def energy(weights, code_a, code_b, images):
        if kind == "leaky":
            own = network.apply(weights, jnp.stack([code_a, code_b]))
            images = (images + own) / 2
        metrics = paths.between_images(networks.FinishedGenerator(network, weights))
        found = paths.minimise(
            metrics, code_a, code_b, (images[0], images[1]), levels=(8,),
            tolerance=1e-16, max_evaluations=300,
        )  # fmt: skip
        return found.energy, found

    return jax.jit(jax.value_and_grad(energy, (0, 1, 2, 3), has_aux=True))


def random_like(key, tree):
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, len(leaves))
    drawn = [draw(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, drawn)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_derivative_is_that_of_the_problem_solved_again(kind):
    given = weights(), *jnp.array([[1.2, 0.4], [-0.9, 0.7]]), jnp.asarray(IMAGES, float)
    solve = solver(kind)
    (_, found), slopes = solve(*given)
    assert found.differentiable and found.decrement < 1e-12
    for number, name in enumerate(GIVEN):
        direction = random_like(jax.random.key(number), given[number])
        energies = []
        for size in (STEP, -STEP):
            step = jax.tree.map(
                lambda x, v, h=size: x + h * v, given[number], direction
            )
            moved = *given[:number], step, *given[number + 1 :]
            energies.append(float(solve(*moved)[0][0]))
        difference = (energies[0] - energies[1]) / (2 * STEP)
        products = jax.tree.map(jnp.vdot, slopes[number], direction)
        slope = float(sum(jax.tree.leaves(products)))
        assert slope == pytest.approx(difference, rel=1e-6), name


def test_a_path_that_is_not_stationary_says_so():
    line = paths.line(jnp.array([1.0, 0.5]), jnp.array([-1.0, 0.7]), 4)
    found = paths.least_energy(paths.common(wavy.metric), line)
    assert found.energy == paths.path_energy(wavy.metric, line)
    assert found.decrement > 1e-3 and not found.differentiable


def test_a_path_along_a_kink_says_so():
    """λ is least on an axis, where its slope jumps: no gradient of U is near zero."""

    def valley(latents):
        return 1 + jnp.abs(latents[:, 1])

    ends = jnp.array([[-2.0, 0.3], [2.0, 0.3]])
    found = paths.minimise(paths.common(valley), *ends, levels=(8,), tolerance=0.0)
    assert jnp.max(jnp.abs(found.path[3:-3, 1])) < 0.1
    assert found.decrement > 1e-6 and not found.differentiable
