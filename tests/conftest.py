import gc
import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import jax
import jaxlib.version
import jaxtyping
import pytest
import threadpoolctl

# Ten times as many inputs: `--hypothesis-profile=long`.
hypothesis.settings.register_profile("long", max_examples=1000)

# Tracing makes millions of objects that stay; looking through them takes a tenth of
# the time.
gc.set_threshold(100_000, 10, 10)

# Workers side by side: threads that wait for one another would double the time.
threadpoolctl.threadpool_limits(1, "blas")
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def pytest_configure(config):
    """Let all workers, and the processes they start, compile each program once.

    What is compiled stays for the next run where `JAX_COMPILATION_CACHE_DIR` is set.
    Without the slow tests, programs are compiled by what compiles fastest: that halves
    the time, and changes results by their rounding only.
    """
    if config.option.markexpr == "not slow":
        flags = os.environ.get("XLA_FLAGS", "")
        if "backend_optimization_level" not in flags:
            flags += " --xla_backend_optimization_level=0"
            # Programs this small are not worth more than one thread of the compiler.
            flags += " --xla_cpu_parallel_codegen_split_count=1"
        # Through MLIR a fusion takes three times as long; later versions have no other.
        if jaxlib.version.__version_info__[:2] == (0, 10):
            flags += " --xla_cpu_use_fusion_emitters=false"
        os.environ["XLA_FLAGS"] = flags
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # workers inherit it
        folder = tempfile.TemporaryDirectory(prefix="jaxgan-compilations-")
        config.add_cleanup(folder.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    # Thousands of operations that compile in milliseconds take most of the time.
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    jax.config.update(
        "jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"]
    )
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def pytest_xdist_auto_num_workers():
    """One worker for each core, but no more than memory has room for."""
    return min(os.cpu_count() or 1, 4)


jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Accelerators would round factors of single precision; the processor does not.
jax.config.update("jax_default_matmul_precision", "highest")


@pytest.fixture
def in_double():
    """Numbers of double precision are not cut to single precision."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def unchecked():
    """Annotations are not enforced, as they are not for users: checks must be ours."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def chromium():
    """A browser without windows."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the extra `browser` is not installed"
    )
    with sync_api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = shutil.which("chromium") or (own if Path(own).exists() else None)
        if found is None:
            pytest.skip("no Chromium: `apt-get install chromium`, or Playwright's own")
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        with playwright.chromium.launch(executable_path=found, args=flags) as browser:
            yield browser


@pytest.fixture(scope="session")
def mnist_dir():
    """The four official MNIST files, from the folder JAXGAN_MNIST_DIR."""
    if "JAXGAN_MNIST_DIR" not in os.environ:
        pytest.skip("no official MNIST files: set JAXGAN_MNIST_DIR to their folder")
    return Path(os.environ["JAXGAN_MNIST_DIR"])


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory):
    """A small random generator over the plane, as a folder."""
    from jaxgan import (
        networks,
        storage,  # not before the import hook of jaxtyping
    )

    options = {"latent_dim": 2, "widths": [8, 16]}
    network = networks.mlp_generator(2, (8, 16), batch_norm=False)
    params = jax.tree.map(lambda p: 2.0 * p, network.init(jax.random.key(3)))
    bias = params["hidden_0"]["affine"]["bias"]
    params["hidden_0"]["affine"]["bias"] = bias + jax.numpy.linspace(-1.0, 1.0, 8)
    out = tmp_path_factory.mktemp("model") / "toy"
    part = storage.Part("mlp_generator", options, params)
    storage.save_model(out, {"generator": part}, {})
    return out
