import os
from pathlib import Path

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def mnist_dir():
    """The four official MNIST files, from JAXGAN_MNIST_DIR or beside the project."""
    beside = Path(__file__).parents[2] / "shared" / "mnist"
    folder = Path(os.environ.get("JAXGAN_MNIST_DIR", beside))
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        pytest.skip("no official MNIST files: set JAXGAN_MNIST_DIR")
    return folder
