import os
from pathlib import Path

import jax
import pytest
import threadpoolctl

# Workers side by side: threads that wait for one another would double the time.
threadpoolctl.threadpool_limits(1, "blas")
os.environ["OPENBLAS_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def shared_compilations(tmp_path_factory):
    """Whole processes that compile the same program compile it once."""
    folder = str(tmp_path_factory.mktemp("compilations"))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"
    yield
    del os.environ["JAX_COMPILATION_CACHE_DIR"]
    del os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"]


jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def mnist_dir():
    """The four official MNIST files, from the folder JAXGAN_MNIST_DIR."""
    if "JAXGAN_MNIST_DIR" not in os.environ:
        pytest.skip("no official MNIST files: set JAXGAN_MNIST_DIR to their folder")
    return Path(os.environ["JAXGAN_MNIST_DIR"])
