"""Judge a generator's samples: a table of metrics beside their floors, and figures."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8
from matplotlib.figure import Figure

from experiments.reporting import pictures, tables
from experiments.running.progress import Piece
from jaxgan import evaluation, pixels
from jaxgan.networks import Classified, FinishedGenerator
from jaxgan.statistics import Estimate
from jaxgan.types import Examples, PRNGKey

SHARES = {"features": 9, "samples": 30, "floors": 61}
"""Parts of the time in percent, with the default flags; for the progress bar only."""
Column = Mapping[str, Estimate]
"""The value of each metric, by name."""


class Judgement(NamedTuple):
    """What the judge finds about a generator.

    Attributes:
        columns: the metrics of `samples`, the generator's; of `floor`, training images
            in their place, against the same test images; and of `training_floor`, one
            draw of training images against another, if there are enough of them.
        shares: share of each class among the samples, then among the test images.
        samples: the images that were judged.
        closest: for each class, the sample that is nearest to a training image.
        nearest: the training images that those samples are nearest to.
    """

    columns: dict[str, Column]
    shares: tuple[np.ndarray, np.ndarray]
    samples: evaluation.Images
    closest: evaluation.Images
    nearest: evaluation.Images


Code = Callable[[FinishedGenerator, PRNGKey], Array]


@partial(jax.jit, static_argnames=("count", "code"))
def _draw(key: PRNGKey, generator: FinishedGenerator, count: int, code: Code):
    def one(number: jax.Array) -> jax.Array:
        latent = code(generator, jax.random.fold_in(key, number))
        return generator.generate(latent[None])[0]

    return jax.lax.map(one, jnp.arange(count), batch_size=1000)


def draw(
    key: PRNGKey,
    generator: FinishedGenerator,
    count: int,
    code: Code = FinishedGenerator.draw,
) -> evaluation.Images:
    """Return samples of a generator; the n-th depends on the key and n only.

    Args:
        key: a random key.
        generator: to draw from.
        count: number of images.
        code: draws the code of one image; by default from the prior.
    """
    return pixels.to_pixels(np.asarray(_draw(key, generator, count, code)))


def evaluate(
    key: PRNGKey,
    generator: FinishedGenerator,
    classify: Callable[[Examples], Classified],
    training_images: UInt8[np.ndarray, "training 28 28 1"],
    reference_images: UInt8[np.ndarray, "n 28 28 1"],
    piece: Piece,
) -> Judgement:
    """Judge as many samples as there are reference images.

    Args:
        key: a random key.
        generator: the generator to judge.
        classify: classifier whose features are compared.
        training_images: the images that the generator was trained on.
        reference_images: held-out images, which the samples are compared with.
        piece: of the progress bar, in percent.
    """
    sample_key, judge_key, floor_key, training_key = jax.random.split(key, 4)
    count = len(reference_images)
    columns: dict[str, Column] = {}
    with piece("features", SHARES["features"]):
        images = draw(sample_key, generator, count)
        samples, reference, training = (
            evaluation.features_of(classify, each)
            for each in (images, reference_images, training_images)
        )
    with piece("samples", SHARES["samples"]):
        columns["samples"] = evaluation.verdict(
            judge_key, samples, reference, samples, training.pixels
        )
        distances, numbers = evaluation.nearest(samples.pixels, training.pixels)
    with piece("floors", SHARES["floors"]):
        columns["floor"] = evaluation.floor(floor_key, training, reference, count)
        if len(training_images) >= 2 * count:
            columns["training_floor"] = _training_floor(training_key, training, count)
    classes = reference.logits.shape[1]
    order = np.argsort(distances)
    _, first = np.unique(samples.classes[order], return_index=True)
    closest = order[first]
    return Judgement(
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
    """Return the metrics of one draw of training images against a disjoint one."""
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


def summary(judgement: Judgement) -> dict[str, Any]:
    """Return every number of a judgement under a name of its own."""
    numbers: dict[str, Any] = {}
    for column, estimates in judgement.columns.items():
        suffix = "" if column == "samples" else f"_{column}"
        for metric, estimate in estimates.items():
            numbers[f"{metric}{suffix}"] = estimate.value
            numbers[f"{metric}{suffix}_error"] = estimate.standard_error
    fake, real = judgement.shares
    numbers["class_shares"] = fake.tolist()
    numbers["class_shares_real"] = real.tolist()
    there = real > 0  # Few test images may lack a class, which has no relative error.
    worst = np.abs(fake[there] / real[there] - 1).max()
    numbers["class_share_worst_relative_error"] = float(worst)
    return numbers


def in_words(columns: Mapping[str, Column]) -> str:
    """Return how far the samples are from the floor."""
    samples, floor = columns["samples"], columns["floor"]
    distance, least = samples["frechet_distance"], floor["frechet_distance"]
    return (
        f"The Fréchet distance of the samples from test images is {_cell(distance)}; "
        f"training images in their place have {_cell(least)}.\n"
        f"Samples cover {samples['coverage'].value:.1%} of the test images, training "
        f"images {floor['coverage'].value:.1%}; ± is a standard error."
    )


def figures(out: Path, judgement: Judgement) -> None:
    """Write `samples.png`, `nearest.png` and `classes.png`.

    `nearest.png` shows the samples that are nearest to a training image, one of each
    class, above those training images.
    """
    with pictures.drawing(out / "samples.png") as path:
        pictures.save_image(path, pictures.image_grid(judgement.samples[:100], 10))
    with pictures.drawing(out / "nearest.png") as path:
        pairs = np.concatenate([judgement.closest, judgement.nearest])
        pictures.save_image(path, pictures.image_grid(pairs, len(judgement.closest)))
    with pictures.drawing(out / "classes.png") as path:
        _classes(judgement.shares).savefig(path, dpi=150)


def _classes(shares: tuple[np.ndarray, np.ndarray]) -> Figure:
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    fake, real = shares
    places = np.arange(len(fake))
    axes.bar(places - 0.2, fake, 0.4, label="samples")
    axes.bar(places + 0.2, real, 0.4, label="test images")
    # The same axis for most models, so that their pictures can be compared.
    highest = max(2 / len(fake), 1.1 * fake.max(), 1.1 * real.max())
    axes.set(xticks=places, xlabel="class", ylabel="share", ylim=(0, highest))
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    return figure
