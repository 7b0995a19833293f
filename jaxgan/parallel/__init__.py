"""Many independent computations: on several devices, in lanes of a program, in chunks.

>>> import jax.numpy as jnp
>>> from jaxgan import parallel
>>> parallel.map_rows(lambda rows: 2 * rows, (), (), (jnp.arange(3),)).tolist()
[0, 2, 4]

`devices` divides the rows of arrays among all devices. `lanes` works on a fixed number
of items at a time; when one is finished, one that waits takes its place. `chunks`
bounds the memory. `threads` keeps virtual devices from waiting for ever.
"""

from jaxgan.parallel.devices import map_rows, mesh, replicate
from jaxgan.parallel.lanes import run_in_lanes
from jaxgan.parallel.threads import spare_a_thread

__all__ = [
    "map_rows",
    "mesh",
    "replicate",
    "run_in_lanes",
    "spare_a_thread",
]
