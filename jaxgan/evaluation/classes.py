"""Metrics of the classes that a classifier gives to samples."""

import numpy as np
from jaxtyping import Float, Int

from jaxgan.evaluation.rows import numbers
from jaxgan.statistics import Estimate, bootstrap
from jaxgan.types import PRNGKey


def classifier_score(key: PRNGKey, logits: Float[np.ndarray, "n classes"]) -> Estimate:
    """Return the exponential of the mutual information of a sample and its class.

    exp E KL(p(y|x) ‖ p(y)), the inception score of Salimans et al. 2016
    (arXiv:1606.03498), section 4, with another classifier: from 1 to the number of
    classes.

    Raises:
        ValueError: if there are fewer than two rows, or one is not finite.
    """
    shifted = numbers("logits", logits, least=2).astype(np.float64)
    shifted = shifted - shifted.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))

    def statistic(log_p: Float[np.ndarray, "n classes"]) -> float:
        p = np.exp(log_p)
        # 0 log 0 = 0: a class that no sample has adds nothing to the entropy.
        marginal = np.maximum(p.mean(0), np.finfo(np.float64).tiny)
        return float(np.exp((p * log_p).sum(1).mean() - marginal @ np.log(marginal)))

    return bootstrap(key, statistic, log_p)


def class_shares(
    classes: Int[np.ndarray, "n"], num_classes: int
) -> Float[np.ndarray, "num_classes"]:
    """Return the share of each class.

    Raises:
        ValueError: if there are no classes, or one is not in 0…num_classes − 1.
    """
    classes = np.asarray(classes)
    if classes.ndim != 1 or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(
            f"classes must be whole numbers [n], got {classes.dtype} "
            f"{list(classes.shape)}"
        )
    if not len(classes) or classes.min() < 0 or classes.max() >= num_classes:
        found = f"{classes.min()}…{classes.max()}" if len(classes) else "none"
        raise ValueError(f"classes must be in 0…{num_classes - 1}, got {found}")
    return np.bincount(classes, minlength=num_classes) / len(classes)


def total_variation(
    key: PRNGKey,
    fake: Int[np.ndarray, "n"],
    real: Int[np.ndarray, "m"],
    num_classes: int,
) -> Estimate:
    """Return half the sum of the absolute differences of class shares, in [0, 1].

    Raises:
        ValueError: if a set has fewer than two rows, or a class is not in
            0…num_classes − 1.
    """

    def statistic(fake: np.ndarray, real: np.ndarray) -> float:
        difference = class_shares(fake, num_classes) - class_shares(real, num_classes)
        return 0.5 * float(np.abs(difference).sum())

    return bootstrap(key, statistic, fake, real)
