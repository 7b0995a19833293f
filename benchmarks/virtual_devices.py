"""Virtual devices of this processor, for benchmarks that divide work. Linux only."""

import os


def use(count: int) -> None:
    """Let JAX, which is not imported yet, find so many devices, a core for each.

    They share cores where there are fewer. LAPACK gets no threads of its own, which
    would wait for one another.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from jaxgan import parallel

    parallel.spare_a_thread()
