"""Training of a classifier, as an `Algorithm`."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from jaxgan.networks import Network
from jaxgan.training.algorithm import Algorithm, average_rate, require_decay, streams
from jaxgan.types import Params, PRNGKey, Scalar


class ClassifierState(NamedTuple):
    """All that a run carries from step to step.

    Attributes:
        key: fixed for the whole run.
        step: number of updates made.
        params: weights being trained.
        average: exponential moving average of `params`; the one to classify with.
        optimizer: optax state.
    """

    key: PRNGKey
    step: Int[Array, ""]
    params: Params
    average: Params
    optimizer: optax.OptState


class ClassifierMetrics(NamedTuple):
    """Diagnostics of one step, on its distorted batch.

    Attributes:
        loss: mean cross-entropy, in nats.
        accuracy: share of the batch that is classified correctly, in [0, 1].
    """

    loss: Scalar
    accuracy: Scalar


def classification(
    network: Network,
    *,
    optimizer: optax.GradientTransformation,
    distort: Callable[[PRNGKey, Array], Array],
    average_decay: float | Scalar = 0.999,
) -> Algorithm:
    """Train a classifier: minimise the cross-entropy of labels on distorted images.

    The training data is a pair of images and integer labels.

    Args:
        network: its `apply` returns a `networks.Classified`.
        optimizer: for its weights.
        distort: `distort(key, image) -> image`, applied anew at every step; must not
            change the class.
        average_decay: of the moving average of the weights, in [0, 1).

    Raises:
        ValueError: if `average_decay` is out of range.
    """
    require_decay(average_decay)

    def init(key: PRNGKey) -> ClassifierState:
        params_key, run_key = jax.random.split(key)
        params = network.init(params_key)
        return ClassifierState(
            key=run_key,
            step=jnp.zeros((), jnp.int32),
            params=params,
            average=jax.tree.map(jnp.copy, params),
            optimizer=optimizer.init(params),
        )

    def step(
        state: ClassifierState, batches
    ) -> tuple[ClassifierState, ClassifierMetrics]:
        images, labels = (leaf[0] for leaf in batches)
        whole = jnp.issubdtype(labels.dtype, jnp.integer)
        if labels.ndim != 1 or not whole or images.ndim < 2:
            raise ValueError(
                "expected images [n, ...] and whole numbers as their labels [n], got "
                f"{images.dtype} and {labels.dtype} in batches {list(images.shape)} "
                f"and {list(labels.shape)}"
            )
        labels = labels.astype(jnp.int32)
        key = jax.random.fold_in(streams(state.key).noise, state.step)
        images = jax.vmap(distort)(jax.random.split(key, len(images)), images)

        def loss(params):
            logits = network.apply(params, images).logits
            value = optax.losses.softmax_cross_entropy_with_integer_labels(
                logits, labels
            )
            return jnp.mean(value), accuracy(logits, labels)

        (value, right), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
        change, moments = optimizer.update(gradient, state.optimizer, state.params)
        params = optax.apply_updates(state.params, change)
        rate = average_rate(state.step, average_decay)
        average = optax.incremental_update(params, state.average, rate)
        state = ClassifierState(state.key, state.step + 1, params, average, moments)
        return state, ClassifierMetrics(value, right)

    return Algorithm(init, step)


def accuracy(
    logits: Float[Array, "batch classes"], labels: Int[Array, "batch"]
) -> Scalar:
    """Return the share of the examples whose largest logit is that of their label."""
    return jnp.mean((jnp.argmax(logits, 1) == labels).astype(jnp.float32))
