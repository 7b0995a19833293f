"""Many devices find what one finds."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import on_devices
import pytest

from jaxgan import parallel
from jaxgan.parallel import devices

EIGHT = "--xla_force_host_platform_device_count=8"


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """What eight virtual devices found."""
    out = tmp_path_factory.mktemp("devices") / "eight.npz"
    done = subprocess.run(
        [sys.executable, Path(on_devices.__file__), out],
        env={**os.environ, "XLA_FLAGS": EIGHT, "JAX_PLATFORMS": "cpu", "NPROC": "9"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.mark.slow
def test_training_on_eight_devices_takes_the_steps_of_one(eight):
    assert eight["devices"] == 8
    for name in ("weights", "weights_of_two"):
        one = eight[f"alone_{name}"]
        np.testing.assert_allclose(eight[name], one, rtol=0, atol=1e-9)
    np.testing.assert_allclose(eight["estimate"], eight["alone_estimate"], rtol=1e-9)


@pytest.mark.slow
def test_training_communicates_sums_only_and_no_examples(eight):
    assert eight["communication"].tolist() == ["all-reduce"]


TOLERANCES = {
    "latents": 1e-8,
    "errors": 1e-12,
    "settled": 1e-12,
    "paths": 1e-5,
    "energies": 1e-3,
    "decrements": 1e-8,
}
"""In units of codes, of pixels squared, of codes, of energies near 100, relative."""


@pytest.mark.slow
def test_searches_on_eight_devices_find_what_one_finds(eight):
    one = on_devices.found()
    np.testing.assert_array_equal(one["statuses"], eight["statuses"])
    for name, tolerance in TOLERANCES.items():
        np.testing.assert_allclose(eight[name], one[name], rtol=0, atol=tolerance)


def test_rows_that_do_not_fill_the_devices_come_back_as_they_were():
    rows = {"a": np.arange(5.0, dtype=np.float32), "b": np.eye(5, dtype=np.int32)}
    over = parallel.mesh()
    back = devices.collect(devices.spread(rows, over, least=7), 5)
    assert back["a"].dtype == np.float32 and back["b"].dtype == np.int32
    np.testing.assert_array_equal(back["a"], rows["a"])
    np.testing.assert_array_equal(back["b"], rows["b"])


def test_keys_are_replicated_too():
    key = jax.random.key(3, impl="rbg")
    again = parallel.replicate(key, parallel.mesh())
    assert jax.random.key_impl(again) == jax.random.key_impl(key)
    np.testing.assert_array_equal(jax.random.key_data(again), jax.random.key_data(key))


def test_rows_are_mapped_by_one_program_for_one_shape():
    traces = []

    def double(times, plus, rows):
        traces.append(1)
        return times * rows + plus

    for _ in range(2):
        found = parallel.map_rows(double, (2,), (jnp.float32(1),), (np.arange(3.0),))
        np.testing.assert_array_equal(found, [1, 3, 5])
    assert len(traces) == 1
