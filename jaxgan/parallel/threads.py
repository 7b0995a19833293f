"""A thread that stays free, without which virtual devices may wait for ever.

JAX runs all devices of a processor with one pool of threads: as many as it has cores,
or devices if these are more. In version 0.10 a batch of factorisations (LAPACK's)
waits in a thread of this pool until other threads of the pool have done its parts. If
every thread waits like that, none is left to do them. With one thread more than devices
this cannot happen.
"""

import os
import re

import jax
from jaxlib import version

VARIABLE = "NPROC"
"""Of the environment: how many threads JAX takes, in place of the number of cores. It
counts until JAX first looks for devices."""
FIXED_IN = (0, 12)
"""Not tried between 0.10, which waits, and 0.12, which does not."""
FLAG = re.compile(r"--xla_force_host_platform_device_count=(\d+)")


def spare_a_thread() -> None:
    """Ask JAX for a thread more than virtual devices, if there are several of these.

    It sets `VARIABLE`, unless it is set, and is to be called before JAX is used.
    """
    found = FLAG.findall(os.environ.get("XLA_FLAGS", ""))
    count = max(jax.config.values["jax_num_cpu_devices"], *map(int, found), 1)
    if count > 1 and not _is_fixed():
        os.environ.setdefault(VARIABLE, str(max(count + 1, _cores())))


def require_spare() -> None:
    """Raise a `ValueError` if devices of this processor might wait for ever."""
    count = jax.local_device_count()
    if count == 1 or jax.default_backend() != "cpu" or _is_fixed():
        return
    given = os.environ.get(VARIABLE, "")
    threads = int(given) if given.isdigit() else _cores()
    if threads <= count:
        raise ValueError(
            f"{count} devices and {max(threads, count)} threads: they may wait for one "
            f"another for ever with jax {jax.__version__}; before JAX is used, call "
            f"jaxgan.parallel.spare_a_thread() or set {VARIABLE}={count + 1}"
        )


def _is_fixed() -> bool:
    numbers = version.__version__.split(".")[:2]
    return tuple(map(int, numbers)) >= FIXED_IN


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
