"""What a training algorithm is, and the one compiled loop that runs all of them.

An `Algorithm` is two pure functions, `init` and `step`. `run_steps` takes steps inside
your own program, `chunk` as one compiled program.

>>> import jax
>>> from jaxgan import data, networks, training
>>> digits = data.load("sample", "train")
>>> examples = jax.numpy.asarray(digits.images), jax.numpy.asarray(digits.labels)
>>> algorithm = training.classification(
...     networks.conv_classifier((2,), features=4),
...     optimizer=training.ADAM,
...     distort=data.random_affine,
... )
>>> state = algorithm.init(jax.random.key(0))
>>> state, metrics = training.chunk(algorithm, state, examples, 2, batch_size=8)
>>> int(state.step)
2

Read `algorithm`, `loop`, then `classification`, the simplest algorithm there is.
"""

from jaxgan.training.algorithm import (
    ADAM,
    Algorithm,
    State,
    adam,
    average_rate,
    robbins_monro,
    streams,
)
from jaxgan.training.classification import (
    ClassifierMetrics,
    ClassifierState,
    accuracy,
    classification,
)
from jaxgan.training.loop import Data, chunk, run_steps, steps_per_epoch

__all__ = [
    "ADAM",
    "Algorithm",
    "ClassifierMetrics",
    "ClassifierState",
    "Data",
    "State",
    "accuracy",
    "adam",
    "average_rate",
    "chunk",
    "classification",
    "robbins_monro",
    "run_steps",
    "steps_per_epoch",
    "streams",
]
