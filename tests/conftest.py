import os
from pathlib import Path

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def mnist_dir():
    """The four official MNIST files, from the folder JAXGAN_MNIST_DIR."""
    if "JAXGAN_MNIST_DIR" not in os.environ:
        pytest.skip("no official MNIST files: set JAXGAN_MNIST_DIR to their folder")
    return Path(os.environ["JAXGAN_MNIST_DIR"])
