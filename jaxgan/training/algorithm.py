"""What a training algorithm is, two pure functions; and Adam, which all of them use.

Everything random in a run (weights, the order of the data, noise) is a function of its
key and the step number. `jaxgan.training.loop` runs the steps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxgan.networks.arguments import is_traced
from jaxgan.types import PRNGKey, Scalar

EPSILON = 1e-8
"""Added to the root of the second moment in Adam."""
ROOT_EPSILON = float(jnp.finfo(jnp.float32).tiny)
"""Added under the root: without it the root has no derivative where the moment is 0.

Single precision rounds it away, here or when `EPSILON` is added.
"""


@runtime_checkable
class State(Protocol):
    """What the state of every algorithm has; it is a NamedTuple of arrays.

    `key` is fixed for the whole run, and steps derive theirs from it; `step` counts
    the steps taken.
    """

    @property
    def key(self) -> PRNGKey: ...  # noqa: D102

    @property
    def step(self) -> Int[Array, ""]: ...  # noqa: D102


class Algorithm(NamedTuple):
    """A way to train, as two pure functions.

    Attributes:
        init: `init(key) -> state`.
        step: `step(state, batches) -> (state, metrics)`, metrics a NamedTuple of
            scalars. `batches` has the structure of the training data, every leaf
            `[batches_per_step, batch, *shape]`, pixels in [-1, 1].
        batches_per_step: how many batches of fresh data a step needs.
    """

    init: Callable[[PRNGKey], Any]
    step: Callable[[Any, Any], tuple[Any, Any]]
    batches_per_step: int = 1


class Streams(NamedTuple):
    """Independent keys for the random things in a run.

    Attributes:
        order: of the training data.
        noise: of the steps.
        heldout: of what is computed beside training.
        penalty: of a penalty on the generator.
    """

    order: PRNGKey
    noise: PRNGKey
    heldout: PRNGKey
    penalty: PRNGKey


def streams(key: PRNGKey) -> Streams:
    """Return the keys for each use, derived from the key of a run."""
    return Streams(*jax.random.split(key, 4))


def require_decay(average_decay: float | Scalar) -> None:
    """Raise a `ValueError` if the decay of a moving average is known and not one."""
    if not is_traced(average_decay) and not 0 <= average_decay < 1:
        raise ValueError(f"average_decay must be in [0, 1), got {average_decay}")


def average_rate(step: Int[Array, ""], decay: float | Scalar) -> Scalar:
    """Return the share of the new weights in a moving average at a step.

    It is 1 − `decay`, and larger at the first steps, so that the random first weights
    are soon forgotten.
    """
    t = step.astype(jnp.float32)
    return 1 - jnp.minimum(decay, (1 + t) / (10 + t))


def adam(
    learning_rate: optax.ScalarOrSchedule = 5e-4, b1: float = 0.0, b2: float = 0.99
) -> optax.GradientTransformation:
    """Return Adam (Kingma & Ba 2014, arXiv:1412.6980), without momentum by default.

    Without momentum Adam is RMSProp with bias correction: the first moment would be
    the gradient itself, and is not stored. With a negative `b1`, in (-1, 0), it has the
    negative momentum of Gidel et al. 2019 (arXiv:1807.04740). Training steps have
    derivatives, also where the gradient of a weight is zero.
    """
    if b1 == 0:
        scaling = _scale_by_rms(b2)
        return optax.chain(scaling, optax.scale_by_learning_rate(learning_rate))
    return optax.adam(learning_rate, b1, b2, EPSILON, ROOT_EPSILON)


def robbins_monro(learning_rate: float, after: int) -> optax.Schedule:
    """Return a learning rate that falls as 1/step once `after` steps are done.

    The sum of such rates has no bound and that of their squares has one, the condition
    under which a stochastic approximation reaches its root (Robbins & Monro 1951,
    https://doi.org/10.1214/aoms/1177729586). It depends on no last step, so a run can
    be prolonged.

    Args:
        learning_rate: until then, above 0.
        after: number of steps, at least 1.

    Raises:
        ValueError: if one of the two is out of range.
    """
    if not learning_rate > 0 or after < 1:
        raise ValueError(
            "expected a learning rate above 0 and at least 1 step, got "
            f"{learning_rate} and {after}"
        )

    def rate(step: Any) -> Any:
        t = jnp.maximum(jnp.asarray(step, jnp.float32), 1.0)
        return learning_rate * jnp.minimum(1.0, after / t)

    return rate


def _scale_by_rms(b2: float) -> optax.GradientTransformation:
    """Return optax's `scale_by_rms`, but differentiable at zero moments."""
    moments = optax.scale_by_rms(b2, eps_in_sqrt=False, bias_correction=True)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        _, state = moments.update(updates, state, params)
        squares = optax.tree.bias_correction(state.nu, b2, state.count)
        change = jax.tree.map(
            lambda g, s: 1 / (jnp.sqrt(s + ROOT_EPSILON) + EPSILON) * g,
            updates,
            squares,
        )
        return change, state

    return optax.GradientTransformation(moments.init, update)


ADAM = adam()
"""The default optimiser; without momentum: adversarial gradients change direction."""
