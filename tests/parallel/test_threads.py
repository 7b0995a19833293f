"""Virtual devices do not wait for ever."""

import os
import subprocess
import sys

import jax
import pytest

from jaxgan.parallel import threads

TWO = "--xla_force_host_platform_device_count=2"
FACTORISE = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
import jax.numpy as jnp
from jaxgan import parallel
if "spare" in sys.argv:
    parallel.spare_a_thread()
matrices = jnp.broadcast_to(jnp.eye(48), (128, 48, 48))
for _ in range(50):
    found = parallel.map_rows(jnp.linalg.cholesky, (), (), (matrices,))
print(found.shape)
"""
WAITS = not threads._is_fixed()


def factorise(*arguments):
    """Factorise many matrices on two devices of two cores, in a process of its own."""
    environment = {**os.environ, "XLA_FLAGS": TWO, "JAX_PLATFORMS": "cpu"}
    environment.pop(threads.VARIABLE, None)
    return subprocess.run(
        [sys.executable, "-c", FACTORISE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_two_devices_of_two_cores_factorise_to_the_end():
    """With jaxlib 0.10 and no thread to spare, they would wait for one another."""
    done = factorise("spare")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(128, 48, 48)\n"


def test_without_a_thread_to_spare_there_is_an_error_and_no_waiting():
    done = factorise()
    if WAITS:
        last = done.stderr.splitlines()[-1]
        assert last.startswith("ValueError: 2 devices and 2 threads: they may wait")
        assert last.endswith("call jaxgan.parallel.spare_a_thread() or set NPROC=3")
    else:
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("flags", "given", "version", "expected"),
    [
        (TWO, None, "0.10.2", "4"),  # there are four cores
        (TWO.replace("2", "8"), None, "0.10.2", "9"),
        (f"--xla_cpu_enable_fast_math=false {TWO}", None, "0.10.2", "4"),
        (TWO, "2", "0.10.2", "2"),
        (TWO, None, "0.12.0.1", None),
        ("", None, "0.10.2", None),
    ],
)
def test_a_thread_is_asked_for_where_there_are_several_devices(
    monkeypatch, flags, given, version, expected
):
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setattr(threads, "_cores", lambda: 4)
    monkeypatch.setattr(threads.version, "__version__", version)
    if given is None:
        monkeypatch.delenv(threads.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(threads.VARIABLE, given)
    threads.spare_a_thread()
    found = os.environ.pop(threads.VARIABLE, None)
    assert found == expected


def test_one_device_needs_none(monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setattr(threads.version, "__version__", "0.10.2")
    assert jax.local_device_count() == 1
    threads.require_spare()
