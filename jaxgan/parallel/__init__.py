"""Many independent rows of work: over devices, in lanes of one program, in chunks.

>>> import jax.numpy as jnp
>>> from jaxgan import parallel
>>> parallel.map_rows(lambda rows: 2 * rows, (), (), (jnp.arange(3),)).tolist()
[0, 2, 4]

`devices` divides arrays among all devices, `lanes` gives finished work's place to work
that waits, and `chunks` bounds the memory of either.
"""

from jaxgan.parallel.devices import map_rows, mesh, replicate
from jaxgan.parallel.lanes import run_in_lanes

__all__ = [
    "map_rows",
    "mesh",
    "replicate",
    "run_in_lanes",
]
