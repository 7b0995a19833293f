"""From a generator to the judge's table, with its floors and figures."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from experiments.reporting import pictures, tables
from jaxgan import evaluation, pixels
from jaxgan.networks import Classified
from jaxgan.statistics import Estimate
from jaxgan.storage import TrainedGenerator
from jaxgan.types import Examples, Latents, Params, PRNGKey

Column = Mapping[str, Estimate]


class Result(NamedTuple):
    """What the judge found.

    Attributes:
        columns: `samples`; `floor`, training images against the same test images;
            `training_floor`, two disjoint draws of training images.
        shares: of each class among the samples, then among the test images.
        samples: images.
        closest: of each class, the sample nearest to a training image.
        nearest: that training image.
    """

    columns: dict[str, Column]
    shares: tuple[np.ndarray, np.ndarray]
    samples: evaluation.Images
    closest: evaluation.Images
    nearest: evaluation.Images


@partial(jax.jit, static_argnames=("apply", "latent_dim", "count"))
def _draw(key: PRNGKey, apply, params: Params, latent_dim: int, count: int):
    def one(number: jax.Array) -> jax.Array:
        latent = jax.random.normal(jax.random.fold_in(key, number), (1, latent_dim))
        return apply(params, latent)[0]

    return jax.lax.map(one, jnp.arange(count), batch_size=1000)


def draw(
    key: PRNGKey,
    apply: Callable[[Params, Latents], Examples],
    params: Params,
    latent_dim: int,
    count: int,
) -> evaluation.Images:
    """Sample images; the n-th depends on the key and n only."""
    return pixels.to_pixels(np.asarray(_draw(key, apply, params, latent_dim, count)))


def evaluate(
    key: PRNGKey,
    generator: TrainedGenerator,
    classify: Callable[[Examples], Classified],
    training_images: evaluation.Images,
    reference_images: evaluation.Images,
) -> Result:
    """Judge as many samples as there are reference images."""
    sample_key, judge_key, floor_key, training_key = jax.random.split(key, 4)
    count = len(reference_images)
    images = draw(
        sample_key, generator.apply, generator.params, generator.latent_dim, count
    )
    samples, reference, training = (
        evaluation.features_of(classify, each)
        for each in (images, reference_images, training_images)
    )
    columns: dict[str, Column] = {
        "samples": evaluation.verdict(
            judge_key, samples, reference, samples, training.pixels
        ),
        "floor": evaluation.floor(floor_key, training, reference, count),
    }
    if len(training_images) >= 2 * count:
        columns["training_floor"] = _training_floor(training_key, training, count)
    distances, numbers = map(
        np.asarray, evaluation.nearest(samples.pixels, training.pixels)
    )
    classes = reference.logits.shape[1]
    order = np.argsort(distances)
    _, first = np.unique(samples.classes[order], return_index=True)
    closest = order[first]
    return Result(
        columns,
        (
            evaluation.class_shares(samples.classes, classes),
            evaluation.class_shares(reference.classes, classes),
        ),
        images,
        images[closest],
        training_images[numbers[closest]],
    )


def _training_floor(
    key: PRNGKey, training: evaluation.ImageFeatures, count: int
) -> Column:
    """Judge one draw of training images against another; none is in both."""
    order_key, key = jax.random.split(key)
    order = np.asarray(jax.random.permutation(order_key, len(training.pixels)))
    one, other, rest = order[:count], order[count : 2 * count], order[count:]
    first, second = (
        evaluation.ImageFeatures(*(leaf[rows] for leaf in training))
        for rows in (one, other)
    )
    return evaluation.verdict(key, first, second, first, training.pixels[rest])


def table(columns: Mapping[str, Column]) -> str:
    """Return the columns as a Markdown table of values and standard errors."""
    metrics = next(iter(columns.values()))
    rows = [
        [metric, *(_cell(c[metric]) for c in columns.values())] for metric in metrics
    ]
    return tables.markdown(["metric", *columns], rows)


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value:.4g} ± {estimate.standard_error:.2g}"


def flat(result: Result) -> dict[str, Any]:
    """Name every number of a result for `summary.json`."""
    numbers: dict[str, Any] = {}
    for column, estimates in result.columns.items():
        suffix = "" if column == "samples" else f"_{column}"
        for metric, estimate in estimates.items():
            numbers[f"{metric}{suffix}"] = estimate.value
            numbers[f"{metric}{suffix}_error"] = estimate.standard_error
    fake, real = result.shares
    numbers["class_shares"] = fake.tolist()
    numbers["class_shares_real"] = real.tolist()
    numbers["class_share_worst_relative_error"] = float(np.abs(fake / real - 1).max())
    return numbers


def figures(out: Path, result: Result) -> None:
    """Draw samples, those closest to training images, and the classes."""
    pictures.save_image(
        out / "samples.png", pictures.image_grid(result.samples[:100], 10)
    )
    pairs = np.concatenate([result.closest, result.nearest])
    pictures.save_image(
        out / "nearest.png", pictures.image_grid(pairs, len(result.closest))
    )
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    fake, real = result.shares
    places = np.arange(len(fake))
    axes.bar(places - 0.2, fake, 0.4, label="samples")
    axes.bar(places + 0.2, real, 0.4, label="test images")
    axes.set(xticks=places, xlabel="class", ylabel="share")
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    figure.savefig(out / "classes.png", dpi=150)
