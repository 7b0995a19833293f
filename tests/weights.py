"""Weights of networks with which every scale and every bias matters."""

import jax


def shaken(params, by=0.2):
    """Add normal noise to all weights, `by` its standard deviation."""
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(7), len(leaves))
    return tree.unflatten(
        p + by * jax.random.normal(k, p.shape)
        for p, k in zip(leaves, keys, strict=True)
    )
